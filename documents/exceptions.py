"""What can go wrong with a document. The docstring is for people, `code` for programs."""

from tasks.exceptions import Fenced, StepError, StepPaused, TransientStepError


class DocumentError(StepError):
    """The document could not be processed."""

    code = "document_error"


class FileMissing(DocumentError):
    """The uploaded file is no longer in storage. Upload it again."""

    code = "source_missing"


class FileChanged(DocumentError):
    """The stored file is not the one that was uploaded: its checksum differs. Upload it again."""

    code = "checksum_mismatch"


class EmptyFile(DocumentError):
    """The file is empty."""

    code = "empty_file"


class FileTooLarge(DocumentError):
    """The file is larger than the limit of {limit_mb} MB."""

    code = "file_too_large"


class UnsupportedType(DocumentError):
    """This type of file is not supported."""

    code = "unsupported_type"


class UnsupportedButHelpable(UnsupportedType):
    """This type of file is not supported ({hint})."""


class PasswordProtected(DocumentError):
    """The file is password-protected. Remove the password and upload it again."""

    code = "password_protected"


class CopyProtected(PasswordProtected):
    """The e-book is copy-protected."""


class CorruptFile(DocumentError):
    """The file is damaged and can't be read."""

    code = "corrupt_file"


class ImageTooLarge(DocumentError):
    """The picture has {megapixels:.0f} megapixels; the limit is {limit:.0f}."""

    code = "image_too_large"


class ArchiveBomb(DocumentError):
    """The file would unpack to far more than it should and was refused."""

    code = "archive_bomb"


class TooManyPages(DocumentError):
    """The document has {pages} pages; the limit is {limit}."""

    code = "too_many_pages"


class TooMuchText(DocumentError):
    """The document has more than {limit:,} characters of text."""

    code = "too_much_text"


class TooManyParts(TooMuchText):
    """The document has more than {limit:,} paragraphs and tables."""


class TooComplex(DocumentError):
    """The file is nested too deeply, or built in another way that can't be read safely."""

    code = "too_complex"


class CellsTooFarApart(TooComplex):
    """The cells of a sheet lie too far apart to be read."""


class NoText(DocumentError):
    """No text was found in the document."""

    code = "no_text"


class NoTextInFile(NoText):
    """No text was found in the file ({label})."""


class NoTextInPicture(NoText):
    """OCR found no text in the picture ({label})."""


class NoTextInScan(NoText):
    """The PDF has no text layer, and OCR found no text on its pages either."""


class ReaderCrashed(DocumentError):
    """The reader crashed on this file. The file is probably damaged."""

    code = "reader_crashed"


class ReaderOutOfMemory(DocumentError):
    """Reading this file needs more memory than is allowed."""

    code = "reader_out_of_memory"


class ReaderTimeout(DocumentError):
    """Reading this file took longer than {seconds:.0f} seconds and was stopped."""

    code = "reader_timeout"


class ReaderLost(TransientStepError):
    """The process that reads files was stopped from outside."""

    code = "reader_lost"


class ReadingPaused(StepPaused):
    """OCR used up its turn; what it read is kept."""

    def __init__(self) -> None:
        super().__init__(progressed=True)


class ReadingStopped(Fenced):
    """Reading was stopped because somebody asked for it."""


class EmbeddingRejected(DocumentError):
    """The embedding service refused our key. Ask the operator to check it."""

    code = "embedding_auth"


class EmbeddingModelUnknown(DocumentError):
    """The embedding service does not know the configured model."""

    code = "model_not_found"


class EmbeddingRefused(DocumentError):
    """The embedding service refused this text."""

    code = "embedding_refused"


class PassageRefused(DocumentError):
    """The embedding service refused passage {index} of document {document}."""

    code = "embedding_refused"


class EmbeddingInvalid(TransientStepError):
    """The embedding service sent an unusable answer."""

    code = "embedding_invalid"
    max_failures = 3  # what is wrong with an answer seldom passes, and each one is paid for


class EmbeddingOfOtherSize(EmbeddingInvalid):
    """The embedding service sent {sent} dimensions instead of {expected}."""


class EmbeddingUnreadable(EmbeddingInvalid):
    """The embedding service sent an unusable answer."""

    # Not even vectors of a kind: perhaps something else answers in its place.


class EmbeddingUnavailable(TransientStepError):
    """The embedding service can't be reached."""

    code = "embedding_unavailable"


class EmbeddingWait(TransientStepError):
    """The embedding service can't be asked right now."""


class EmbeddingDown(EmbeddingWait):
    """The embedding service can't be reached."""

    code = "embedding_unavailable"


class EmbeddingRateLimited(EmbeddingWait):
    """The embedding service is limiting our requests."""

    code = "rate_limited"


class VectorsIncomplete(DocumentError):
    """Only {stored} of {expected} passages have a vector. Nothing was stored."""

    code = "vectors_incomplete"


class NothingQuoted(DocumentError):
    """The quotation holds neither letters nor digits."""

    code = "nothing_quoted"


class PlannerBusy(TransientStepError):
    """Another plan is being made. Try again in a moment."""

    code = "planner_busy"


class ChatNotConfigured(DocumentError):
    """No chat model is set up here, so questions can't be answered. Search works without one."""

    code = "chat_not_configured"


class ChatError(DocumentError):
    """The chat model could not answer."""

    code = "chat_error"


class ChatUnavailable(ChatError):
    """The chat model can't be reached. Try again in a moment."""

    code = "chat_unavailable"


class ChatTimeout(ChatError):
    """The chat model took too long to answer."""

    code = "chat_timeout"


class ChatRateLimited(ChatError):
    """The chat model is limiting our requests. Try again in a moment."""

    code = "chat_rate_limited"


class ChatRejected(ChatError):
    """The chat model refused the request. The operator should look at CHAT_MODEL and its key."""

    code = "chat_rejected"


class ChatCutOff(ChatError):
    """The answer broke off before its end."""

    code = "chat_cut_off"


class ChatUnreadable(ChatError):
    """The chat model's answer could not be read."""

    code = "chat_unreadable"


class SpaceInUse(DocumentError):
    """Search uses this model already."""

    code = "space_in_use"


class SwitchRunning(DocumentError):
    """A switch to {model} is under way. Let it finish, or cancel it first."""

    code = "switch_running"
