"""The packages that only some of trackmask needs: `pip install 'trackmask[NAME]'` brings those of the extra NAME."""

from importlib import import_module

from trackmask.errors import ExtraError


def need(extra: str, what: str, *packages: str) -> None:
    """Import packages of an extra, for what needs them; ExtraError where one is not installed."""
    for package in packages:
        try:
            import_module(package)
        except ModuleNotFoundError as error:
            raise ExtraError(
                f"{what} needs the package {package}, which is not installed; run: pip install 'trackmask[{extra}]'"
            ) from error
