"""Every error that trackmask raises on purpose. Each message is one sentence that says what was wrong and what to do.

TrackmaskError            exit code 1: the input or the machine failed
├── VideoError            the video cannot be read
├── WeightsError          the weights cannot be found or do not fit
├── OutputError           the result cannot be written (disk full, no permission)
├── ResultError           a result folder cannot be read
├── DataError             a data set cannot be read
├── ExtraError            a package is not installed that only some of trackmask needs
└── CallError             exit code 2: the call itself is wrong
    ├── PromptError       a prompt that does not fit the video
    └── OutputExistsError the output is there already
"""

NO_MEMORY = "there is not enough memory; free some, or scale the video down"  # of a MemoryError, wherever it comes from


class TrackmaskError(Exception):
    exit_code = 1


class VideoError(TrackmaskError):
    pass


class WeightsError(TrackmaskError):
    pass


class OutputError(TrackmaskError):
    pass


class ResultError(TrackmaskError):
    pass


class DataError(TrackmaskError):
    pass


class ExtraError(TrackmaskError):
    pass


class CallError(TrackmaskError):
    exit_code = 2


class PromptError(CallError):
    pass


class OutputExistsError(CallError):
    pass
