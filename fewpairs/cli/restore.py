"""`fewpairs restore`"""

from fewpairs.cli.application import HERE, app
from fewpairs.cli.backup import FolderArgument, MadeAtOption, back_up_or_restore
from fewpairs.cli.options import DataOption


@app.command(rich_help_panel=HERE)
def restore(folder: FolderArgument, data: DataOption = None, made_at: MadeAtOption = None) -> None:
    """Restore a backup into an empty data folder and an empty database, before the service starts."""
    back_up_or_restore("restore", folder, data, *(["--made-at", made_at] if made_at else []))
