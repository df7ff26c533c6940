"""The wheel's man pages: made from the commands' own help when the wheel is built."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface[Any]):
    """Puts ``share/man`` into a wheel; an editable one has the pages of `hongbao help --man`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the pages, and tell the builder where each belongs."""
        if self.target_name != "wheel" or version == "editable":
            return
        sys.path.insert(0, self.root)

        from hongbao.commands import manual
        from hongbao.commands.house import root_command

        self.folder = Path(tempfile.mkdtemp(prefix="hongbao-man-"))
        for path, page in manual.pages(root_command, self.metadata.version):
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(page, encoding="utf-8")
            build_data["shared_data"][str(file)] = f"share/{path}"

    def finalize(self, *_told: object) -> None:
        """Remove what was made."""
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)
