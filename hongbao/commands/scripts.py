"""
The scripts that shells complete by: each has the table of `hongbao.commands.completing` in it.

A shell walks through the words that were typed: each command leads to the next level of the table,
an option says whether a value follows, and what is left is counted as an argument. So it knows what
can stand at the cursor. What it does not know (the text behind an alias, a command or an option
that is newer than the script) it asks of hongbao, as it asks for people, cards and packets.
"""

from collections.abc import Iterable
from importlib.metadata import version

from hongbao.commands.completing import Level, Option, Word


def script(shell: str, levels: Iterable[Level], shared: Iterable[Option]) -> str:
    """Return what *shell* is taught: *levels* of commands, and the options *shared* by them all."""
    write = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]
    return f"# hongbao {version('hongbao')}\n{write([*levels], [*shared])}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- bash ----------------------------------------------------------------------------------------


def _bash(levels: list[Level], shared: list[Option]) -> str:
    cases = []
    for level in levels:
        words = {
            "commands": " ".join(word.text for word in level.commands),
            "more": " ".join(level.more),
            "arguments": " ".join(map(str, level.arguments)),
            "options": " ".join(f"{option.word.text}{option.taken}" for option in level.options),
        }
        sets = " ".join(f"{name}='{text}'" for name, text in words.items() if text)
        cases.append(f"    '{level.path}') {sets or ':'} ;;")
    every = " ".join(f"{option.word.text}{option.taken}" for option in shared)
    return _BASH.replace("TABLE", "\n".join(cases)).replace("SHARED", every)


_BASH = r"""_hongbao_table() {
    commands= more= arguments= options=
    case $1 in
TABLE
    *) return 1 ;;
    esac
    options="$options SHARED"
}

_hongbao_taken() {
    local each
    local -a all
    read -ra all <<<"$options"
    for each in "${all[@]}"; do
        case $each in
        "$1") taken= && return ;;
        "$1"[?/:=]*) taken=${each#"$1"} && return ;;
        esac
    done
    return 1
}

_hongbao_ask() {
    local word begins=${COMP_WORDS[COMP_CWORD]:0:1}
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ $word == *[[:space:]]* && $begins != "'" && $begins != '"' ]]; then
            word=$(printf %q "$word")
        fi
        COMPREPLY+=("$word")
    done < <(
        IFS=$'\n'
        env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
            _HONGBAO_COMPLETE=complete_bash "$1"
    )
}

_hongbao_completion() {
    local word=${COMP_WORDS[COMP_CWORD]} typed=' ' level='' place=0 taken='' names='' each i
    local commands more arguments options
    local -a all
    COMPREPLY=()
    _hongbao_table ''
    for ((i = 1; i < COMP_CWORD; i++)); do
        each=${COMP_WORDS[i]}
        typed+="$each "
        if [[ $each == '=' ]]; then # bash parts --option=value in three
            continue
        elif [[ -n $taken ]]; then
            taken=
            continue
        fi
        case $each in
        --) _hongbao_ask "$1" && return ;;
        -*) _hongbao_taken "$each" || { _hongbao_ask "$1" && return; } ;;
        *)
            if [[ -n $commands ]]; then
                level="${level:+$level }$each"
                _hongbao_table "$level" || { _hongbao_ask "$1" && return; }
            else
                place=$((place + 1))
            fi
            ;;
        esac
    done
    [[ $word == '=' ]] && word=
    if [[ -z $taken && $word == -* ]]; then
        read -ra all <<<"$options"
        for each in "${all[@]}"; do
            each=${each%%[?/:=]*}
            [[ $typed == *" $each "* ]] || names+=" $each"
        done
    elif [[ -z $taken && -n $commands ]]; then
        names="$commands $more"
    else
        if [[ -z $taken ]]; then
            read -ra all <<<"$arguments"
            taken=${all[place]}
            if [[ -z $taken && ${#all[@]} -gt 0 && ${all[${#all[@]} - 1]} == *'*' ]]; then
                taken=${all[${#all[@]} - 1]}
            fi
        fi
        case $taken in
        '?'*) _hongbao_ask "$1" && return ;;
        '='*) names=${taken#=} names=${names%'*'} names=${names//,/ } ;;
        *) return ;; # a file, or anything
        esac
    fi
    while IFS= read -r each; do
        COMPREPLY+=("$each")
    done < <(compgen -W "$names" -- "$word")
    [[ ${#COMPREPLY[@]} -gt 0 ]] || _hongbao_ask "$1"
}

complete -o default -F _hongbao_completion hongbao"""


# --- zsh -----------------------------------------------------------------------------------------


def _described(word: Word, kind: object = "") -> str:
    """Return *word* with what stands behind it, and what it is for."""
    return _quoted(f"{word.text}{kind}:{word.about}")


def _zsh_options(options: Iterable[Option]) -> str:
    return " ".join(
        _quoted(f"{option.word.text}{option.taken}|{option.word.about}") for option in options
    )


def _zsh(levels: list[Level], shared: list[Option]) -> str:
    cases = []
    for level in levels:
        words = {
            "subs": " ".join(map(_described, level.commands)),
            "more": " ".join(level.more),
            "args": " ".join(_quoted(str(taken)) for taken in level.arguments),
            "opts": _zsh_options(level.options),
        }
        sets = " ".join(f"{name}=({text})" for name, text in words.items() if text)
        cases.append(f"    '{level.path}') {sets or ':'} ;;")
    every = _zsh_options(shared)
    return _ZSH.replace("TABLE", "\n".join(cases)).replace("SHARED", every)


_ZSH = r"""#compdef hongbao

_hongbao_table() {
    subs=() more=() args=() opts=()
    case $1 in
TABLE
    *) return 1 ;;
    esac
    opts+=(SHARED)
}

_hongbao_taken() {
    local each
    for each in "${opts[@]}"; do
        each=${each%%\|*}
        case $each in
        ("$1") taken=; return 0 ;;
        ("$1"[?/:=]*) taken=${each#"$1"}; return 0 ;;
        esac
    done
    return 1
}

_hongbao_ask() {
    eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _HONGBAO_COMPLETE=complete_zsh hongbao)
}

_hongbao_completion() {
    local word=${words[CURRENT]} level= taken= each
    local -i i place=1
    local -a subs more args opts names
    _hongbao_table ''
    for ((i = 2; i < CURRENT; i++)); do
        each=${words[i]}
        if [[ -n $taken ]]; then
            taken=
            continue
        fi
        case $each in
        (--) _hongbao_ask; return ;;
        (--*=*) _hongbao_taken "${each%%=*}" || { _hongbao_ask; return }; taken= ;;
        (-*) _hongbao_taken "$each" || { _hongbao_ask; return } ;;
        (*)
            if (( $#subs )); then
                level="${level:+$level }$each"
                _hongbao_table "$level" || { _hongbao_ask; return }
            else
                place+=1
            fi
            ;;
        esac
    done
    if [[ -z $taken && $word == --*=* ]]; then
        _hongbao_taken "${word%%=*}" || { _hongbao_ask; return }
        [[ $taken == '='* ]] || { _hongbao_ask; return }
        compset -P '*='
    elif [[ -z $taken && $word == -* ]]; then
        for each in "${opts[@]}"; do
            names+=("${${each%%\|*}%%[?/:=]*}:${each#*\|}")
        done
        _describe -o option names || _hongbao_ask
        return
    elif [[ -z $taken ]] && (( $#subs )); then
        subs+=("${more[@]}")
        _describe command subs || _hongbao_ask
        return
    elif [[ -z $taken ]]; then
        taken=${args[place]:-}
        [[ -z $taken && ${args[-1]:-} == *'*' ]] && taken=${args[-1]}
    fi
    case $taken in
    ('='*)
        taken=${${taken#=}%'*'}
        names=(${(s:,:)taken})
        compadd -a names || _hongbao_ask
        ;;
    ('?'*) _hongbao_ask ;;
    (*) _files ;;
    esac
}

compdef _hongbao_completion hongbao"""


# --- fish ----------------------------------------------------------------------------------------


def _fish_word(word: Word, kind: object = "") -> str:
    return f"{_fish_quoted(f'{word.text}{kind}')}\\t{_fish_quoted(word.about)}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish(levels: list[Level], shared: list[Option]) -> str:
    cases = []
    for level in levels:
        words = {
            "commands": [_fish_word(word) for word in level.commands],
            "more": [*level.more],
            "arguments": [_fish_quoted(str(taken)) for taken in level.arguments],
            "options": [_fish_word(option.word, option.taken) for option in level.options],
        }
        sets = "; ".join(
            f"set -g __hongbao_{name} {' '.join(texts)}" for name, texts in words.items() if texts
        )
        cases.append(f"        case '{level.path}'\n            {sets}".rstrip())
    every = " ".join(_fish_word(option.word, option.taken) for option in shared)
    return _FISH.replace("TABLE", "\n".join(cases)).replace("SHARED", every)


_FISH = r"""function __hongbao_table
    set -g __hongbao_commands
    set -g __hongbao_more
    set -g __hongbao_arguments
    set -g __hongbao_options
    switch "$argv[1]"
TABLE
        case '*'
            return 1
    end
    set -ga __hongbao_options SHARED
    return 0
end

function __hongbao_taken
    for each in $__hongbao_options
        set -l option (string split -m 1 \t -- $each)[1]
        set -l parts (string match -r -- '^(-[a-zA-Z-]+)([?/:=].*)?$' $option)
        if test "$parts[2]" = "$argv[1]"
            echo "$parts[3]"
            return 0
        end
    end
    return 1
end

function __hongbao_ask
    set -l found (env _HONGBAO_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
        _TYPER_COMPLETE_ARGS=(commandline -cp | string collect) hongbao)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end

function __hongbao_complete
    set -l typed (commandline -opc)
    set -l word (commandline -ct)
    set -l level
    set -l taken ''
    set -l place 1
    set -l before ''
    set -l names
    __hongbao_table ''
    for each in $typed[2..-1]
        if test -n "$taken"
            set taken ''
            continue
        end
        switch $each
            case --
                __hongbao_ask
                return
            case '--*=*'
                if not __hongbao_taken (string split -m 1 = -- $each)[1] >/dev/null
                    __hongbao_ask
                    return
                end
            case '-*'
                if not set taken (__hongbao_taken $each)
                    __hongbao_ask
                    return
                end
            case '*'
                if test (count $__hongbao_commands) -gt 0
                    set -a level $each
                    if not __hongbao_table "$level"
                        __hongbao_ask
                        return
                    end
                else
                    set place (math $place + 1)
                end
        end
    end
    if test -z "$taken"; and string match -q -- '--*=*' "$word"
        set before (string split -m 1 = -- $word)[1]=
        set taken (__hongbao_taken (string split -m 1 = -- $word)[1])
        if not string match -q -- '=*' "$taken"
            __hongbao_ask
            return
        end
    else if test -z "$taken"; and string match -q -- '-*' "$word"
        set names (string replace -r -- '^(-[a-zA-Z-]+)[?/:=][^\t]*' '$1' $__hongbao_options)
    else if test -z "$taken"; and test (count $__hongbao_commands) -gt 0
        set names $__hongbao_commands $__hongbao_more
    else if test -z "$taken"
        set taken $__hongbao_arguments[$place]
        if test -z "$taken"; and string match -q -- '*\*' "$__hongbao_arguments[-1]"
            set taken $__hongbao_arguments[-1]
        end
    end
    switch "$taken"
        case '=*'
            set taken (string trim -c '=*' -- $taken)
            set names $before(string split , -- $taken)
        case '\?*'
            __hongbao_ask
            return
    end
    if test (count $names) -eq 0
        __fish_complete_path "$word"
    else if string match -qr -- "^"(string escape --style=regex -- "$word") $names
        printf '%s\n' $names
    else
        __hongbao_ask
    end
end

complete --command hongbao --erase
complete --command hongbao --no-files --arguments '(__hongbao_complete)'"""
