"""The application for the setting INSTALLED_APPS."""

from django.apps import AppConfig

from tmplmon.integrations.django.native import install


class NativeConfig(AppConfig):
    """Observes Django's templates in this process."""

    name = "tmplmon.integrations.django.native"
    label = "tmplmon_native"
    verbose_name = "tmplmon: observed templates"

    def __init__(self, app_name: str, app_module: object) -> None:
        # Not in `ready`: an application before this one may compile templates in its own.
        super().__init__(app_name, app_module)
        install()
