"""The algorithms are the published ones: each meets the vectors that its authors published."""

import hmac
import os

import pytest

from hongbao.vault import primitives
from hongbao.vault.primitives import Cost, KeyedHash, NotAuthentic


def test_argon2id_meets_rfc_9106():
    """
    RFC 9106 §5.3: with a secret and associated data, which only the raw binding takes.
    """
    from argon2.low_level import Type, core, ffi

    def buffer(content):
        return ffi.new("uint8_t[]", content)

    tag, password, salt = buffer(bytes(32)), buffer(b"\1" * 32), buffer(b"\2" * 16)
    secret, data = buffer(b"\3" * 8), buffer(b"\4" * 12)
    context = ffi.new(
        "argon2_context *",
        {
            "version": 0x13,
            "out": tag,
            "outlen": 32,
            "pwd": password,
            "pwdlen": 32,
            "salt": salt,
            "saltlen": 16,
            "secret": secret,
            "secretlen": 8,
            "ad": data,
            "adlen": 12,
            "t_cost": 3,
            "m_cost": 32,
            "lanes": 4,
            "threads": 4,
            "allocate_cbk": ffi.NULL,
            "free_cbk": ffi.NULL,
            "flags": 0,
        },
    )

    outcome = core(context, Type.ID.value)

    assert outcome == 0
    assert (
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
        == bytes(ffi.buffer(tag, 32)).hex()
    )


@pytest.mark.parametrize("cost", [Cost(3, 32, 4), Cost(1, 64, 1), Cost(2, 1024, 2)])
def test_what_we_stretch_is_argon2id_as_openssl_knows_it(cost):
    """
    The passphrase's key is Argon2id version 19 without secret or data, by a second implementation.
    """
    argon2 = pytest.importorskip("cryptography.hazmat.primitives.kdf.argon2")
    try:
        independent = argon2.Argon2id(
            salt=b"\2" * 16,
            length=32,
            iterations=cost.passes,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        ).derive(b"\1" * 32)
    except Exception as error:
        if type(error).__name__ != "UnsupportedAlgorithm":
            raise
        pytest.skip("this OpenSSL has no Argon2")

    assert independent == primitives.stretch(b"\1" * 32, b"\2" * 16, cost)


def test_the_cost_at_the_counter_is_the_rfcs():
    """
    RFC 9106 §4, second recommended option: 3 passes, 64 MiB, 4 lanes, 16-byte salt, 32-byte tag.
    """
    from argon2.profiles import RFC_9106_LOW_MEMORY as PROFILE

    ours = primitives.RFC_9106_LOW_MEMORY

    assert (3, 65536, 4) == ours
    assert (PROFILE.time_cost, PROFILE.memory_cost, PROFILE.parallelism) == ours
    assert (PROFILE.salt_len, PROFILE.hash_len) == (primitives.SALT_BYTES, primitives.KEY_BYTES)


@pytest.mark.parametrize(
    ("secret", "salt", "info", "okm"),
    [
        (
            b"\x0b" * 22,
            bytes(range(0x0D)),
            bytes(range(0xF0, 0xFA)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x50)),
            bytes(range(0x60, 0xB0)),
            bytes(range(0xB0, 0x100)),
            (
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                "cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
        ),
        (
            b"\x0b" * 22,
            None,
            b"",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
    ids=["A.1", "A.2", "A.3"],
)
def test_hkdf_meets_rfc_5869(secret, salt, info, okm):
    """
    RFC 5869, appendix A, the three cases with SHA-256.
    """
    found = primitives.hkdf(secret, salt=salt, info=info, length=len(okm) // 2)

    assert okm == found.hex()


def test_hkdf_gives_at_most_255_blocks():
    """
    RFC 5869 §2.3: a longer key would repeat the counter; it is refused, not shortened.
    """
    assert 255 * 32 == len(primitives.hkdf(b"secret", salt=None, info=b"", length=255 * 32))
    with pytest.raises(ValueError, match="larger"):
        primitives.hkdf(b"secret", salt=None, info=b"", length=255 * 32 + 1)


K = "feffe9928665731c6d6a8f9467308308" * 2
P = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
C = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
)
GCM = {
    "13": ("00" * 32, "00" * 12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    "14": (
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ),
    "15": (K, "cafebabefacedbaddecaf888", P, "", C, "b094dac5d93471bdec1a502270e3cc6c"),
    "16": (
        K,
        "cafebabefacedbaddecaf888",
        P[:120],
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        C[:120],
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
}


@pytest.mark.parametrize("case", GCM)
def test_aes_gcm_meets_the_published_cases(case):
    """
    McGrew and Viega, The Galois/Counter Mode of Operation, appendix B: 256-bit keys, 96-bit nonce.
    """
    key, nonce, plain, about, cipher, tag = map(bytes.fromhex, GCM[case])

    assert cipher + tag == primitives.encrypt(key, nonce, plain, about)
    assert plain == primitives.decrypt(key, nonce, cipher + tag, about)


def flips(content, start=0):
    """Every way to flip one bit of *content*, from byte *start* on."""
    for bit in range(8 * start, 8 * len(content)):
        yield (int.from_bytes(content, "little") ^ 1 << bit).to_bytes(len(content), "little")


def test_no_altered_bit_gets_through_aes_gcm():
    """
    One bit flipped anywhere in tag, ciphertext, nonce, associated data or key opens nothing.
    """
    key, nonce, _, about, cipher, tag = map(bytes.fromhex, GCM["16"])
    sealed = cipher + tag

    altered = [
        *((key, nonce, flipped, about) for flipped in flips(sealed)),
        *((key, flipped, sealed, about) for flipped in flips(nonce)),
        *((key, nonce, sealed, flipped) for flipped in flips(about)),
        *((flipped, nonce, sealed, about) for flipped in flips(key)),
    ]

    for case in altered:
        with pytest.raises(NotAuthentic):
            primitives.decrypt(*case)


def test_no_shortened_tag_gets_through_aes_gcm():
    """
    A tag is 16 bytes: no prefix of a sealed text opens, nor one with a byte more or a zero tag.
    """
    key, nonce, _, about, cipher, tag = map(bytes.fromhex, GCM["16"])
    sealed = cipher + tag

    prefixes = [sealed[:length] for length in range(len(sealed))]

    for wrong in [
        *prefixes,
        sealed + b"\0",
        cipher + bytes(16),
        cipher + b"\xff" * 16,
        tag + cipher,
    ]:
        with pytest.raises(NotAuthentic):
            primitives.decrypt(key, nonce, wrong, about)


@pytest.mark.parametrize("length", [0, 1, 8, 11, 13, 16])
def test_a_nonce_of_another_length_opens_nothing(length):
    """
    A nonce is 96 bits. GCM defines others, by a weaker construction that we never made.
    """
    key, _, _, about, cipher, tag = map(bytes.fromhex, GCM["13"])

    with pytest.raises(NotAuthentic):
        primitives.decrypt(key, bytes(length), cipher + tag, about)


@pytest.mark.parametrize(
    ("key", "message", "expected"),
    [
        (
            b"\x0b" * 20,
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            b"\xaa" * 20,
            b"\xdd" * 50,
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
    ],
    ids=["1", "2", "3"],
)
def test_our_hmac_meets_rfc_4231(key, message, expected):
    """
    RFC 4231 §4.2 to §4.4: keeping the key's two blocks hashed changes nothing.
    """
    assert expected == KeyedHash(key).digest(message).hex()


def test_our_hmac_is_the_standard_librarys():
    """
    For random keys and messages of every length around a block, both say the same, repeatedly.
    """
    key = os.urandom(32)
    ours = KeyedHash(key)

    for length in (0, 1, 55, 56, 63, 64, 65, 1000):
        message = os.urandom(length)

        assert hmac.digest(key, message, "sha256") == ours.digest(message)
        assert hmac.digest(key, message, "sha256") == ours.digest(message)
