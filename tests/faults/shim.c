/*
 * Faults at the calls by which a process opens, reads and changes files.
 *
 * Preloaded into the process that the tests fork commands from; each fork arms it for itself. It
 * looks only at what lies below the folders that it was told of, and counts two kinds of calls: those
 * that open or change a file, and those that look. At the one that it is armed for it kills the
 * process, tears a write, refuses as a system would, turns the clock or presses Ctrl-C.
 * It can also record all that is written and synced, for the tests of power cuts.
 *
 * Writes to memory that is mapped (the engine's -shm, which it makes anew) are not seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* --- what is shared with the process that looks on: it outlives a kill ------------------------- */

enum { CHANGES, LOOKS, SERIES };
enum kind {
    NONE, KILL_BEFORE, KILL_AFTER, TORN, SHORT, NO_SPACE, IO_ERROR, NO_PERMISSION, INTERRUPTED_CALL,
    CLOCK, CTRL_C
};
enum call { OPEN, OPEN_NEW, WRITE, SYNC, TRUNCATE, NAME, NEW_NAME, MODE, READ, STAT, LOCK, MAP };

struct faults {
    int32_t kind;             /* what happens */
    int32_t series;           /* at which series of calls */
    int32_t number;           /* at the how manieth call of it; 0 is never */
    int32_t lasts;            /* whether it goes on from there */
    int32_t seconds;          /* by how much the clock is turned */
    int32_t count[SERIES];    /* how many calls there were */
    int32_t hits;             /* how often it has happened */
    int32_t has_begun;
    int32_t traced;           /* how many bytes of the trace are used */
    char where[128];          /* the first call that it happened at */
    char trace[1 << 16];      /* all calls that change something, one per line */
};

static struct faults idle, *told = &idle;
static char roots[4][PATH_MAX];
static int root_count;
static int recording = -1;

/* --- which files ------------------------------------------------------------------------------- */

static int is_below(const char *path) {
    for (int i = 0; i < root_count; i++) {
        size_t length = strlen(roots[i]);
        if (strncmp(path, roots[i], length) == 0 && (path[length] == '/' || path[length] == 0))
            return 1;
    }
    return 0;
}

static const char *name_of(int fd, char *place) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, place, PATH_MAX - 1);
    if (length < 0) return NULL;
    place[length] = 0;
    return place;
}

/* Return the path that is meant, if it lies below a folder that is watched; else NULL. */
static const char *watched_at(int folder, const char *path, char *place) {
    if (root_count == 0 || path == NULL) return NULL;
    if (path[0] == '/') return is_below(path) ? path : NULL;
    char base[PATH_MAX];
    if (folder == AT_FDCWD) {
        if (syscall(SYS_getcwd, base, sizeof base) < 0) return NULL;
    } else if (name_of(folder, base) == NULL) return NULL;
    if (snprintf(place, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return NULL;
    return is_below(place) ? place : NULL;
}

static const char *watched(int fd, char *place) {
    if (root_count == 0 || fd < 0) return NULL;
    const char *path = name_of(fd, place);
    return path != NULL && is_below(path) ? path : NULL;
}

/* --- recording --------------------------------------------------------------------------------- */

struct record {
    char what;
    char unused[7];
    uint64_t file;      /* the number of the file's inode */
    int64_t offset;
    uint32_t path_bytes, other_bytes, data_bytes, padding;
};

static uint64_t inode(int fd) {
    struct stat found;
    return syscall(SYS_fstat, fd, &found) == 0 ? found.st_ino : 0;
}

static uint64_t inode_at(const char *path) {
    struct stat found;
    return syscall(SYS_newfstatat, AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) == 0 ? found.st_ino : 0;
}

static void note(char what, uint64_t file, int64_t offset, const char *path, const char *other,
                 const void *data, size_t length) {
    if (recording < 0) return;
    struct record record = {
        .what = what, .file = file, .offset = offset, .path_bytes = path ? strlen(path) : 0,
        .other_bytes = other ? strlen(other) : 0, .data_bytes = length};
    struct iovec parts[] = {
        {&record, sizeof record}, {(void *) path, record.path_bytes},
        {(void *) other, record.other_bytes}, {(void *) data, length}};
    int before = errno;
    if (syscall(SYS_writev, recording, parts, 4) < 0) abort();
    errno = before;
}

/* --- the fault --------------------------------------------------------------------------------- */

static int fits(enum call call) {
    switch (told->kind) {
    case KILL_BEFORE: case KILL_AFTER: case CLOCK: case CTRL_C: return 1;
    case TORN: case SHORT: return call == WRITE;
    case NO_SPACE: return call == OPEN_NEW || call == WRITE || call == SYNC || call == NEW_NAME;
    case IO_ERROR: return call != MAP;
    case NO_PERMISSION:
        return call == OPEN || call == OPEN_NEW || call == NAME || call == NEW_NAME || call == MODE
            || call == STAT;
    case INTERRUPTED_CALL:
        return call == OPEN || call == OPEN_NEW || call == WRITE || call == SYNC || call == TRUNCATE
            || call == READ || call == LOCK;
    default: return 0;
    }
}

static void mark(const char *name, const char *path, char *place, size_t room) {
    const char *tail = strrchr(path, '/');
    snprintf(place, room, "%s %s", name, tail ? tail + 1 : path);
}

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

/* Count a call, and return what is to happen at it; errors are left in errno. */
static enum kind point(int series, enum call call, const char *name, const char *path) {
    told->count[series]++;
    char line[128];
    mark(name, path, line, sizeof line);
    size_t length = strlen(line);
    if (series == CHANGES && told->traced + length + 1 < sizeof told->trace) {
        memcpy(told->trace + told->traced, line, length);
        told->trace[told->traced + length] = '\n';
        told->traced += length + 1;
    }
    if (told->kind == NONE || told->number == 0) return NONE;
    int is_it = series == told->series && told->count[series] == told->number;
    if (!is_it && !(told->has_begun && told->lasts)) return NONE;
    if (is_it) told->has_begun = 1;
    if (!fits(call)) return NONE;
    if (told->hits++ == 0) memcpy(told->where, line, sizeof told->where);
    switch (told->kind) {
    case KILL_BEFORE: die(); break;
    case NO_SPACE: errno = ENOSPC; break;
    case IO_ERROR: errno = EIO; break;
    case NO_PERMISSION: errno = call == MODE ? EPERM : EACCES; break;
    case INTERRUPTED_CALL: errno = EINTR; break;
    case CTRL_C: syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), SIGINT); return NONE;
    case CLOCK: return NONE;
    default: break;
    }
    return told->kind;
}

static int refuses(enum kind kind) {
    return kind == NO_SPACE || kind == IO_ERROR || kind == NO_PERMISSION || kind == INTERRUPTED_CALL;
}

/* --- how it is told what to do (by ctypes) ----------------------------------------------------- */

void faults_watch(const char *folders) { /* separated by line ends */
    root_count = 0;
    while (*folders && root_count < 4) {
        size_t length = strcspn(folders, "\n");
        memcpy(roots[root_count], folders, length);
        roots[root_count++][length] = 0;
        folders += length + (folders[length] == '\n');
    }
}

void faults_arm(void *shared) { told = shared ? shared : &idle; }

void faults_record(int fd) { recording = fd; }

/* --- the calls --------------------------------------------------------------------------------- */

#define CALL(series, call, name, path, refused, act) do { \
    enum kind happens = point(series, call, name, path); \
    if (refuses(happens)) return refused; \
    act; \
    if (happens == KILL_AFTER) die(); \
} while (0)

static int opened(int folder, const char *path, int flags, mode_t mode) {
    char place[PATH_MAX];
    const char *seen = watched_at(folder, path, place);
    if (seen == NULL) return syscall(SYS_openat, folder, path, flags, mode);
    int makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
    int was_there = recording >= 0 && !((flags & O_TMPFILE) == O_TMPFILE) && inode_at(seen) != 0;
    int fd;
    CALL(CHANGES, makes ? OPEN_NEW : OPEN, makes ? "create" : "open", seen, -1,
         fd = syscall(SYS_openat, folder, path, flags, mode));
    if (fd >= 0 && recording >= 0) {
        int before = errno;
        if (makes && !was_there)
            note('c', inode(fd), 0, (flags & O_TMPFILE) == O_TMPFILE ? NULL : seen, NULL, NULL, 0);
        else if (flags & O_TRUNC) note('t', inode(fd), 0, NULL, NULL, NULL, 0);
        errno = before;
    }
    return fd;
}

#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; va_start(rest, flags); mode = va_arg(rest, int); va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE_OF(flags); return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags); return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE_OF(flags); return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE_OF(flags); return opened(folder, path, flags, mode); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static ssize_t written(int fd, const void *data, size_t length, off_t offset) { /* -1: where it stands */
    char place[PATH_MAX];
    const char *path = watched(fd, place);
    enum kind happens = NONE;
    if (path != NULL) {
        happens = point(CHANGES, WRITE, "write", path);
        if (refuses(happens)) return -1;
        if (happens == TORN || (happens == SHORT && length > 1)) length /= 2;
        if (happens == TORN && length > 512) length -= length % 512;
    }
    int64_t at = offset;
    if (recording >= 0 && path != NULL && offset < 0) at = syscall(SYS_lseek, fd, 0, SEEK_CUR);
    ssize_t count = offset < 0 ? syscall(SYS_write, fd, data, length)
                               : syscall(SYS_pwrite64, fd, data, length, offset);
    if (happens == TORN || happens == KILL_AFTER) die();
    if (recording >= 0 && count > 0) {
        if (path != NULL) note('w', inode(fd), at, NULL, NULL, data, count);
        else if (fd == 1) note('1', 0, 0, NULL, NULL, data, count);
    }
    return count;
}

ssize_t write(int fd, const void *data, size_t length) { return written(fd, data, length, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return written(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return written(fd, data, length, offset); }

static int synced(const char *name, int fd, long number) {
    char place[PATH_MAX];
    const char *path = watched(fd, place);
    if (path == NULL) return syscall(number, fd);
    int answer;
    CALL(CHANGES, SYNC, name, path, -1, answer = syscall(number, fd));
    if (answer == 0) note('s', inode(fd), 0, path, NULL, NULL, 0);
    return answer;
}

int fsync(int fd) { return synced("fsync", fd, SYS_fsync); }
int fdatasync(int fd) { return synced("fdatasync", fd, SYS_fdatasync); }

static int truncated(int fd, off_t length) {
    char place[PATH_MAX];
    const char *path = watched(fd, place);
    if (path == NULL) return syscall(SYS_ftruncate, fd, length);
    int answer;
    CALL(CHANGES, TRUNCATE, "ftruncate", path, -1, answer = syscall(SYS_ftruncate, fd, length));
    if (answer == 0) note('t', inode(fd), length, NULL, NULL, NULL, 0);
    return answer;
}

int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncated(fd, length); }

static int unlinked(int folder, const char *path, int flags) {
    char place[PATH_MAX];
    const char *seen = watched_at(folder, path, place);
    if (seen == NULL) return syscall(SYS_unlinkat, folder, path, flags);
    uint64_t file = recording >= 0 ? inode_at(seen) : 0;
    int answer;
    CALL(CHANGES, NAME, "unlink", seen, -1, answer = syscall(SYS_unlinkat, folder, path, flags));
    if (answer == 0) note('u', file, 0, seen, NULL, NULL, 0);
    return answer;
}

int unlink(const char *path) { return unlinked(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char *path, int flags) { return unlinked(folder, path, flags); }
int rmdir(const char *path) { return unlinked(AT_FDCWD, path, AT_REMOVEDIR); }

static int renamed(int folder, const char *path, int other_folder, const char *other) {
    char place[PATH_MAX], other_place[PATH_MAX];
    const char *seen = watched_at(folder, path, place);
    const char *seen_other = watched_at(other_folder, other, other_place);
    if (seen_other == NULL) return syscall(SYS_renameat, folder, path, other_folder, other);
    int answer;
    CALL(CHANGES, NEW_NAME, "rename", seen_other, -1,
         answer = syscall(SYS_renameat, folder, path, other_folder, other));
    if (answer == 0) note('r', recording >= 0 ? inode_at(seen_other) : 0, 0, seen, seen_other, NULL, 0);
    return answer;
}

int rename(const char *path, const char *other) { return renamed(AT_FDCWD, path, AT_FDCWD, other); }
int renameat(int folder, const char *path, int other_folder, const char *other) {
    return renamed(folder, path, other_folder, other);
}

static int linked(int folder, const char *path, int other_folder, const char *other, int flags) {
    char place[PATH_MAX];
    const char *seen = watched_at(other_folder, other, place);
    if (seen == NULL) return syscall(SYS_linkat, folder, path, other_folder, other, flags);
    int answer;
    CALL(CHANGES, NEW_NAME, "link", seen, -1,
         answer = syscall(SYS_linkat, folder, path, other_folder, other, flags));
    if (answer == 0) note('l', recording >= 0 ? inode_at(seen) : 0, 0, seen, NULL, NULL, 0);
    return answer;
}

int link(const char *path, const char *other) { return linked(AT_FDCWD, path, AT_FDCWD, other, 0); }
int linkat(int folder, const char *path, int other_folder, const char *other, int flags) {
    return linked(folder, path, other_folder, other, flags);
}

static int made(int folder, const char *path, mode_t mode) {
    char place[PATH_MAX];
    const char *seen = watched_at(folder, path, place);
    if (seen == NULL) return syscall(SYS_mkdirat, folder, path, mode);
    int answer;
    CALL(CHANGES, NEW_NAME, "mkdir", seen, -1, answer = syscall(SYS_mkdirat, folder, path, mode));
    if (answer == 0) note('m', recording >= 0 ? inode_at(seen) : 0, 0, seen, NULL, NULL, 0);
    return answer;
}

int mkdir(const char *path, mode_t mode) { return made(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { return made(folder, path, mode); }

int fchmod(int fd, mode_t mode) {
    char place[PATH_MAX];
    const char *path = watched(fd, place);
    if (path == NULL) return syscall(SYS_fchmod, fd, mode);
    int answer;
    CALL(CHANGES, MODE, "fchmod", path, -1, answer = syscall(SYS_fchmod, fd, mode));
    return answer;
}

int chmod(const char *path, mode_t mode) {
    char place[PATH_MAX];
    const char *seen = watched_at(AT_FDCWD, path, place);
    if (seen == NULL) return syscall(SYS_fchmodat, AT_FDCWD, path, mode);
    int answer;
    CALL(CHANGES, MODE, "chmod", seen, -1, answer = syscall(SYS_fchmodat, AT_FDCWD, path, mode));
    return answer;
}

ssize_t read(int fd, void *data, size_t length) {
    char place[PATH_MAX];
    const char *path = watched(fd, place);
    if (path == NULL) return syscall(SYS_read, fd, data, length);
    ssize_t count;
    CALL(LOOKS, READ, "read", path, -1, count = syscall(SYS_read, fd, data, length));
    return count;
}

static ssize_t read_at(int fd, void *data, size_t length, off_t offset) {
    char place[PATH_MAX];
    const char *path = watched(fd, place);
    if (path == NULL) return syscall(SYS_pread64, fd, data, length, offset);
    ssize_t count;
    CALL(LOOKS, READ, "read", path, -1, count = syscall(SYS_pread64, fd, data, length, offset));
    return count;
}

ssize_t pread(int fd, void *data, size_t length, off_t offset) { return read_at(fd, data, length, offset); }
ssize_t pread64(int fd, void *data, size_t length, off64_t offset) { return read_at(fd, data, length, offset); }

static int looked(int folder, const char *path, struct stat *found, int flags) {
    char place[PATH_MAX];
    const char *seen = path && *path ? watched_at(folder, path, place) : watched(folder, place);
    if (seen == NULL) return syscall(SYS_newfstatat, folder, path, found, flags);
    int answer;
    CALL(LOOKS, STAT, "stat", seen, -1, answer = syscall(SYS_newfstatat, folder, path, found, flags));
    return answer;
}

int stat(const char *path, struct stat *found) { return looked(AT_FDCWD, path, found, 0); }
int lstat(const char *path, struct stat *found) { return looked(AT_FDCWD, path, found, AT_SYMLINK_NOFOLLOW); }
int fstat(int fd, struct stat *found) { return looked(fd, "", found, AT_EMPTY_PATH); }
int fstatat(int folder, const char *path, struct stat *found, int flags) { return looked(folder, path, found, flags); }
int stat64(const char *path, struct stat64 *found) { return looked(AT_FDCWD, path, (struct stat *) found, 0); }
int lstat64(const char *path, struct stat64 *found) { return looked(AT_FDCWD, path, (struct stat *) found, AT_SYMLINK_NOFOLLOW); }
int fstat64(int fd, struct stat64 *found) { return looked(fd, "", (struct stat *) found, AT_EMPTY_PATH); }
int fstatat64(int folder, const char *path, struct stat64 *found, int flags) {
    return looked(folder, path, (struct stat *) found, flags);
}

int flock(int fd, int operation) {
    char place[PATH_MAX];
    const char *path = watched(fd, place);
    if (path == NULL) return syscall(SYS_flock, fd, operation);
    int answer;
    CALL(LOOKS, LOCK, "flock", path, -1, answer = syscall(SYS_flock, fd, operation));
    return answer;
}

/* --- the clock --------------------------------------------------------------------------------- */

static time_t turned(void) {
    return told->kind == CLOCK && told->has_begun ? told->seconds : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int answer = syscall(SYS_clock_gettime, clock, now);
    if (answer == 0 && clock == CLOCK_REALTIME) now->tv_sec += turned();
    return answer;
}

int gettimeofday(struct timeval *now, void *zone) {
    int answer = syscall(SYS_gettimeofday, now, zone);
    if (answer == 0) now->tv_sec += turned();
    return answer;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}
