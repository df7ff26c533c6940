"""Texts that are written in both languages, side by side."""

from hongbao.rows import Row


class Text(Row):
    """A text in both languages; one that was written in one language is the same in the other."""

    en: str
    zh: str

    def said_in(self, language: str) -> str:
        """
        Return the text in *language*: ``en`` or ``zh_CN``.

        >>> Text("packet", "红包").said_in("zh_CN")
        '红包'
        """
        return self.zh if language.startswith("zh") else self.en
