# SPDX-License-Identifier: GPL-3.0-or-later
"""The error family: what a user can mend, said in one line each."""


class ResividError(Exception):
    """Base of every error whose message alone tells the user what to do."""


class VideoError(ResividError, OSError):
    """A video cannot be read or written."""


class FormatError(ResividError, ValueError):
    """A file or payload breaks its format, version or bounds."""


class WeightsError(ResividError, ValueError):
    """A weight file is missing, corrupt or of another architecture."""


class MissingPackageError(ResividError, ImportError):
    """A package or library that this function needs is not installed."""


class SettingsError(ResividError, ValueError):
    """Settings that cannot work together, such as a budget below one token."""


class PluginError(ResividError):
    """A part that another package or file brings failed, or is not what it must be; the message names it."""


class RadioError(ResividError, OSError):
    """A radio is missing, busy, locked, or cannot do what is asked of it."""
