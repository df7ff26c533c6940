"""Texts in both languages."""

from hongbao.domain.bilingual import Text
from tests.every import every


@every(
    ("language", "said"), [("en", "packet"), ("zh_CN", "红包"), ("zh", "红包"), ("de", "packet")]
)
def test_a_text_is_said_in_the_language_that_is_asked_for(language, said):
    """
    Chinese for whoever reads it, and English for everyone else.
    """
    assert said == Text("packet", "红包").said_in(language)
