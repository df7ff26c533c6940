"""The algorithms are the published ones: each meets the vectors that its authors published."""

import hashlib
import hmac
import os
from datetime import UTC, datetime, timedelta

import pytest

from hongbao.vault import primitives
from hongbao.vault.authenticator import code_at
from hongbao.vault.primitives import Cost, KeyedHash, NotAuthentic
from tests.every import every


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


@every("length", [0, 1, 8, 11, 13, 16])
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


ED25519 = {
    "1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
            "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    "SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
}


@pytest.mark.parametrize("case", ED25519)
def test_ed25519_meets_rfc_8032(case):
    """
    RFC 8032 §7.1: the public key that follows from the private one, and the one signature.
    """
    seed, public, message, signature = map(bytes.fromhex, ED25519[case])

    assert public == primitives.public_key(seed)
    assert signature == primitives.sign(seed, message)
    assert primitives.signature_fits(public, message, signature)


def test_no_altered_bit_gets_through_ed25519():
    """
    One bit flipped anywhere in signature, message or public key, and it fits no more.
    """
    _, public, message, signature = map(bytes.fromhex, ED25519["3"])

    altered = [
        *((public, message, flipped) for flipped in flips(signature)),
        *((public, flipped, signature) for flipped in flips(message)),
        *((flipped, message, signature) for flipped in flips(public)),
    ]

    assert 8 * (64 + 2 + 32) == len(altered)
    assert not any(primitives.signature_fits(*case) for case in altered)


PRIME = 2**255 - 19
"""The prime of Ed25519's field; the group's order and the curve's constant follow."""
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
Point = tuple[int, int]


def added(one: Point, two: Point) -> Point:
    """Add two points of the curve -x² + y² = 1 + dx²y² (RFC 8032 §5.1.4)."""
    (a, b), (c, d) = one, two
    product = CURVE * a * b * c * d
    x = (a * d + b * c) * pow(1 + product, -1, PRIME)
    y = (b * d + a * c) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def times(count: int, point: Point) -> Point:
    total = (0, 1)
    while count:
        if count & 1:
            total = added(total, point)
        point, count = added(point, point), count >> 1
    return total


def recovered(y: int) -> Point | None:
    """Return a point with that second coordinate (RFC 8032 §5.1.3)."""
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    return (x, y) if x * x % PRIME == square else None


def of_small_order() -> set[Point]:
    """Return the eight points whose order divides eight, as the curve itself gives them."""
    found: set[Point] = set()
    y = 2
    while len(found) < 8:
        point = recovered(y)
        if point is not None:
            least = times(ORDER, point)
            found |= {times(count, least) for count in range(8)}
        y += 1
    return found


def encodings(point: Point) -> list[bytes]:
    """Return every 32 bytes that some verifier takes for *point*: a coordinate below 2²⁵⁵."""
    x, y = point
    signs = (0, 1) if x == 0 else (x & 1,)
    ys = [each for each in (y, y + PRIME) if each < 2**255]
    return [(each | sign << 255).to_bytes(32, "little") for each in ys for sign in signs]


def test_no_key_of_small_order_has_signed_anything():
    """
    Under each of them a signature that nobody made fits one message in eight, or every one.
    """
    points = of_small_order()
    keys = {encoded for point in points for encoded in encodings(point)}
    assert (8, 14) == (len(points), len(keys))
    nothing = (1).to_bytes(32, "little")  # the neutral point

    for key in keys:
        assert not primitives.is_sound_point(key)
        for near in keys:
            for number in range(8):
                signature = near + bytes(32)
                assert not primitives.signature_fits(key, b"%d" % number, signature)
    assert _fits_for_openssl(nothing, b"any message", nothing + bytes(32))
    assert not primitives.signature_fits(nothing, b"any message", nothing + bytes(32))


def _fits_for_openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("y", [PRIME, PRIME + 1, PRIME + 2, 2**255 - 1])
def test_a_point_has_one_spelling(y: int):
    """
    RFC 8032 §5.1.3: a coordinate from the prime on is another's; the sign changes nothing.
    """
    for sign in (0, 1):
        assert not primitives.is_sound_point((y | sign << 255).to_bytes(32, "little"))


def test_a_signature_whose_first_half_is_of_small_order_is_refused():
    """
    A key pair can be made to sign so, for one message; nobody who signs does.
    """
    seed = bytes.fromhex(ED25519["3"][0])
    public = primitives.public_key(seed)
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    secret = int.from_bytes(digest, "little")
    near = (1).to_bytes(32, "little")
    challenge = int.from_bytes(hashlib.sha512(near + public + b"one").digest(), "little")
    signature = near + (challenge * secret % ORDER).to_bytes(32, "little")

    assert _fits_for_openssl(public, b"one", signature)
    assert not primitives.signature_fits(public, b"one", signature)


def test_a_signature_has_one_spelling():
    """
    RFC 8032 §5.1.7: with the group's order added to its second half it would fit the same
    equation, and is refused all the same; so is one of another length.
    """
    order = 2**252 + 27742317777372353535851937790883648493
    _, public, message, signature = map(bytes.fromhex, ED25519["3"])
    again = int.from_bytes(signature[32:], "little") + order

    for wrong in (
        signature[:32] + again.to_bytes(32, "little"),
        signature[:-1],
        signature + bytes(1),
        b"",
        bytes(64),
    ):
        assert not primitives.signature_fits(public, message, wrong)


@every(
    ("second", "digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_meet_rfc_6238(second, digits):
    """
    RFC 6238 appendix B, the SHA-1 rows: it prints eight digits, of which ours are the last six.
    """
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)

    assert digits[-6:] == code_at(b"12345678901234567890", at)


def test_a_keyed_hash_takes_a_key_of_one_block():
    """
    RFC 2104 §2: longer ones would be hashed first, which we never need.
    """
    for size in (0, 32, 64):
        key = bytes(range(size))
        assert hmac.digest(key, b"message", "sha256") == KeyedHash(key).digest(b"message")
    with pytest.raises(AssertionError):
        KeyedHash(bytes(65))


def test_the_most_that_a_cost_may_be():
    """
    Each part by itself, and passes times memory; RFC 9106 §3.1 asks for 8 KiB a lane.
    """
    fitting = [(16, 65536, 16), (1, 256 * 1024, 16), (4, 256 * 1024, 16), (1, 8, 1), (1, 128, 16)]
    others = [(17, 8, 1), (1, 256 * 1024 + 1, 1), (1, 1024, 17), (0, 8, 1), (1, 7, 1), (1, 127, 16)]
    others += [(16, 65537, 16), (5, 256 * 1024, 16), (1, 8, 0)]

    assert [True] * len(fitting) == [primitives.acceptable(Cost(*cost)) for cost in fitting]
    assert [False] * len(others) == [primitives.acceptable(Cost(*cost)) for cost in others]


def test_a_hash_without_memory_is_no_wrong_pin(monkeypatch):
    """
    Argon2 tells its failures apart by their words; those about memory are ours to repeat.
    """
    from argon2 import exceptions

    def refuse(kind):
        def call(*_):
            raise kind("Memory allocation error")

        return call

    cost, salt = Cost(1, 8, 1), bytes(16)
    hashed = primitives.hash_encoded(b"secret", salt, cost)
    monkeypatch.setattr("argon2.low_level.hash_secret", refuse(exceptions.HashingError))
    monkeypatch.setattr("argon2.low_level.hash_secret_raw", refuse(exceptions.HashingError))
    monkeypatch.setattr("argon2.low_level.verify_secret", refuse(exceptions.VerificationError))

    with pytest.raises(MemoryError, match=r"^Memory allocation error$"):
        primitives.hash_encoded(b"secret", salt, cost)
    with pytest.raises(MemoryError, match=r"^Memory allocation error$"):
        primitives.stretch(b"secret", salt, cost)
    with pytest.raises(MemoryError, match=r"^Memory allocation error$"):
        primitives.hash_matches(hashed, b"secret")
