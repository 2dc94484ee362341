"""API of uploads: a file in one request, or in pieces that can be gone on with after a break."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from executor.language.places import holds_a_value
from portal.accounts import policy
from portal.api_base import ProjectView
from portal.data import actions
from portal.data.bodies import Body
from portal.data.listing import Filters, Listing, Table, find_table, list_tables
from portal.data.models import FileVersion, IfThere, Upload
from portal.data.rights import require_change
from portal.data.uses import used_by_any
from portal.environments.models import Environment
from portal.errors import PortalError

PIECE_BYTES = 8 * 1024 * 1024
"""What a sender may well send at a time: a break costs no more than that."""
MOST_LISTED = 2000
ROOM_FOR_A_FORM = 1024 * 1024
IF_THERE = OpenApiParameter(
    "if_there",
    OpenApiTypes.STR,
    enum=list(IfThere.values),
    description="When there is such a file; default ask: 409.",
)
WORDS = OpenApiParameter("q", OpenApiTypes.STR, description="Words in the name or a column.")
ONE = OpenApiParameter("uri", OpenApiTypes.STR, description="Only this file or folder, of whichever root, as in archive:2013.")
URI = OpenApiParameter("uri", OpenApiTypes.STR, required=True, description="The place, for instance raw/flights.csv.")
SEEN_WORDS = "as the list says it: 409 where something else lies there by now; without it whatever lies there is taken"
SEEN = OpenApiParameter("seen", OpenApiTypes.STR, description=SEEN_WORDS[0].upper() + SEEN_WORDS[1:] + ".")
FOLDER = OpenApiParameter(
    "folder", OpenApiTypes.STR, description="Folder in the lake, default raw; or of another root, as in archive:2013."
)
OFFSET = OpenApiParameter(
    "Upload-Offset", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True, description="Number of the first byte of this piece, from 0."
)
DIGEST = OpenApiParameter(
    "Content-Digest",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="sha-256=:<base64>: of this piece (RFC 9530)",
)
BINARY = {"application/octet-stream": OpenApiTypes.BINARY}
FORM = {
    "multipart/form-data": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary", "description": "One file. Its name is that of the part."}},
    }
}


class UploadIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=1000, help_text="as the person calls it; the lake gets a name that every reader takes")
    size = serializers.IntegerField(min_value=0, help_text="bytes")
    folder = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=500, help_text="raw when it is left out; of another root: archive:2013"
    )
    over = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=1000, help_text="the file that it takes the place of, whatever its name is"
    )
    if_there = serializers.ChoiceField(choices=IfThere.choices, default=IfThere.ASK)
    fingerprint = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=200, help_text="of your own: an open upload of the same is gone on with"
    )


class FinishIn(serializers.Serializer[Any]):
    if_there = serializers.ChoiceField(choices=IfThere.choices, required=False)


class UploadOut(serializers.Serializer[Upload]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    uri = serializers.CharField(help_text="where it will lie")
    size = serializers.IntegerField(allow_null=True)
    offset = serializers.IntegerField(source="received", help_text="the next byte to send")
    state = serializers.CharField(help_text="open, sending (to a root on another machine), finished or cancelled")
    sent = serializers.IntegerField(help_text="bytes that have gone on to a root on another machine")
    piece_bytes = serializers.SerializerMethodField(help_text="a good size of a piece; others are taken too")
    created_at = serializers.DateTimeField()

    def get_piece_bytes(self, upload: Upload) -> int:
        return PIECE_BYTES


class FileOut(serializers.Serializer[FileVersion]):
    id = serializers.UUIDField(help_text="of this version")
    uri = serializers.CharField()
    number = serializers.IntegerField(help_text="of the version at this place")
    name = serializers.CharField(source="original_name", help_text="as it was called when it was brought")
    size = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    state = serializers.CharField()


class TableOut(serializers.Serializer[Table]):
    uri = serializers.CharField()
    is_folder = serializers.BooleanField(help_text="read as one table")
    kind = serializers.CharField(help_text="in words")
    bytes = serializers.IntegerField(help_text="of a Delta table with the files of earlier versions; as it is now, see its versions")
    files = serializers.IntegerField(help_text="of a Delta table as bytes")
    changed_at = serializers.DateTimeField()
    seen = serializers.CharField(source="stamp", help_text="stands for what lies there: send it along when you rename or delete that")
    rows = serializers.IntegerField(allow_null=True, help_text="null: not counted")
    columns = serializers.SerializerMethodField(help_text="name and type; null where nobody has looked, and without the right to see data")
    written_by = serializers.CharField(source="job", help_text="the job that publishes it")
    brought_by = serializers.CharField(source="person")
    read_by = serializers.ListField(child=serializers.CharField(), source="readers", help_text="jobs")

    def get_columns(self, table: Table) -> list[dict[str, str]] | None:
        return table.columns if self.context.get("with_data") else None


class DiscardIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=1000)


class RenameIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=1000)
    to = serializers.CharField(max_length=1000, help_text="the new place, with its folder")
    seen = serializers.CharField(required=False, allow_blank=True, default="", max_length=100, help_text=SEEN_WORDS)


class PutBackFileIn(serializers.Serializer[Any]):
    seen = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=100, help_text=f"of what lies there, {SEEN_WORDS}"
    )


class UseOut(serializers.Serializer[Any]):
    job = serializers.CharField()
    does = serializers.CharField(help_text="reads or writes")
    what = serializers.CharField(help_text="live version, or whose draft")
    place = serializers.CharField(help_text="as the job names it")


class RenamedOut(serializers.Serializer[Any]):
    uri = serializers.CharField()
    used_by = UseOut(many=True, help_text="jobs that name the old place: they do not find it any more")


class DeletedOut(FileOut):
    used_by = UseOut(many=True, help_text="jobs that name the place: they do not find it any more")


def listed(found: list[Any], *, is_whole: bool) -> Response:
    """A list, which says in a header whether it is all there is."""
    return Response(found, headers={"X-Sluice-Complete": "yes" if is_whole else "no"})


class OfEnvironment(ProjectView):
    """A view below /projects/<project>/environments/<environment>/."""

    remembers_answers = False  # what was sent must not be read to compare it

    def environment(self) -> Environment:
        return self.find(Environment.objects.select_related("project"), name=self.kwargs["environment"])

    def upload(self) -> Upload:
        uploads = Upload.objects.filter(environment=self.environment(), person=self.person).select_related("environment__project")
        return self.find(uploads, pk=self.kwargs["upload"])


class Changes(OfEnvironment):
    """One that changes what lies there."""

    changes = "upload_data"

    def require_right(self, action: str) -> None:
        require_change(self.person, self.environment(), action)


class Files(Changes):
    @extend_schema(summary="What lies in an environment", parameters=[WORDS, ONE], responses={200: TableOut(many=True)}, tags=["data"])
    def get(self, request: Request, project: str, environment: str) -> Response:
        """What lies in the root that needs no name, or one place of any root. At most 2,000; X-Sluice-Complete says whether that is all
        (yes, no)."""
        place = self.environment()
        with_data = policy.can(self.person, "view_data", place)
        listing = _one(place, uri) if (uri := request.query_params.get("uri")) else list_tables(place)
        tables = Filters.of(request.query_params).take(listing.tables, with_data=with_data)
        is_whole = len(tables) <= MOST_LISTED and not listing.warnings
        return listed([TableOut(table, context={"with_data": with_data}).data for table in tables[:MOST_LISTED]], is_whole=is_whole)

    @extend_schema(summary="Put a file or folder into the bin", parameters=[URI, SEEN], responses={200: DeletedOut}, tags=["data"])
    def delete(self, request: Request, project: str, environment: str) -> Response:
        """`read_by` of the list tells before it who reads the place."""
        place, query = self.environment(), request.query_params
        deleted = actions.delete_data(actor=self.person, environment=place, uri=query.get("uri", ""), seen=query.get("seen", ""))
        return Response({**FileOut(deleted).data, "used_by": used_by_any(place, [deleted.uri])})

    @extend_schema(
        summary="Upload a file in one request", parameters=[FOLDER, IF_THERE], request=FORM, responses={201: FileOut}, tags=["data"],
        description="`curl -H 'Authorization: Bearer slc_…' -F file=@flights.csv <this address>`. Written to the lake while it arrives.",
    )  # fmt: skip
    def post(self, request: Request, project: str, environment: str) -> Response:
        place, query = self.environment(), request.query_params
        if_there = query.get("if_there", IfThere.ASK)
        if if_there not in IfThere.values:
            raise PortalError("“if_there” is not right.", code="field-wrong", status=422, fix=f"One of: {', '.join(IfThere.values)}.")
        taker = _Taker(self, place, query.get("folder", ""), if_there)
        try:
            _parse(request, taker)
            if taker.upload is None:
                raise PortalError("The form holds no file.", code="file-missing", status=422, fix="Send it as the part “file”.")
            version = actions.finish_upload(actor=self.person, upload=taker.upload)
        except BaseException:
            taker.give_up()
            raise
        return Response(FileOut(version).data, status=201)


def _one(environment: Environment, uri: str) -> Listing:
    found = find_table(environment, uri)
    return Listing([found] if found else [], [])


class _Taker(FileUploadHandler):
    """Takes the form's first file into an upload, piece by piece."""

    chunk_size = 1024 * 1024

    def __init__(self, view: OfEnvironment, environment: Environment, folder: str, if_there: str) -> None:
        super().__init__()
        self.view, self.environment, self.folder, self.if_there = view, environment, folder, if_there
        self.upload: Upload | None = None
        self.refusal: PortalError | None = None
        self._waiting = bytearray()

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if self.upload is not None:
            self._refuse(PortalError("The form holds more than one file.", code="one-file", status=422, fix="Send one in each request."))
        try:
            self.upload = actions.begin_upload(
                actor=self.view.person, environment=self.environment, name=file_name, size=None, folder=self.folder, if_there=self.if_there
            )
        except PortalError as error:
            self._refuse(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._waiting += raw_data
        if len(self._waiting) >= PIECE_BYTES:
            self._write()

    def file_complete(self, file_size: int) -> None:
        if self._waiting:
            self._write()

    def _write(self) -> None:
        assert self.upload is not None  # noqa: S101 - new_file came first
        piece, self._waiting = bytes(self._waiting), bytearray()
        try:
            actions.receive_piece(actor=self.view.person, upload=self.upload, offset=self.upload.received, parts=[piece], length=len(piece))
        except PortalError as error:
            self._refuse(error)

    def give_up(self) -> None:
        if self.upload is not None and self.upload.state == "open":
            actions.cancel_upload(actor=self.view.person, upload=self.upload)

    def _refuse(self, error: PortalError) -> None:
        """The parser swallows nothing but this; what was wrong is raised again by `_parse`."""
        self.refusal = error
        raise StopUpload(connection_reset=True)


def _parse(request: Request, taker: _Taker) -> None:
    body = Body(request._request)
    if not body.content_type.startswith("multipart/form-data"):
        raise PortalError("The file must come as a form.", code="form-expected", status=415, fix="Send a form with a part “file”.")
    if (body.length or 0) > actions.limit_bytes() + ROOM_FOR_A_FORM:
        raise actions.too_large(f"The form has {body.length:,} bytes")
    about = {
        "CONTENT_TYPE": body.content_type,
        "CONTENT_LENGTH": str(body.length if body.length is not None else actions.limit_bytes() + 1),
    }
    try:
        fields, _ = MultiPartParser(about, body, [taker], "utf-8").parse()  # type: ignore[arg-type]
    except MultiPartParserError:
        raise PortalError("The form is damaged.", code="form-damaged", status=400, fix="Send it again.") from None
    if fields:  # what is said there, such as a folder, would be left out without a word
        message = f"The form has the part “{next(iter(fields))[:60]}” beside the file, where it is not read."
        fix = "Say it in the address, for instance ?if_there=replace&folder=raw."
        raise PortalError(message, code="form-part", status=422, fix=fix)
    if taker.refusal is not None:
        raise taker.refusal


class RenameFile(Changes):
    @extend_schema(summary="Rename a file or folder", request=RenameIn, responses={200: RenamedOut}, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        """`read_by` of the list tells before it who reads the place."""
        place, taken = self.environment(), self.taken(RenameIn)
        uri = actions.rename_data(actor=self.person, environment=place, **taken)
        return Response({"uri": uri, "used_by": used_by_any(place, [taken["uri"]])})


class DiscardFile(Changes):
    @extend_schema(summary="Take back a file that you brought", request=DiscardIn, responses={200: FileOut}, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        """It goes into the bin; the version of the same source that it followed is shown again."""
        return Response(FileOut(actions.discard_upload(actor=self.person, environment=self.environment(), **self.taken(DiscardIn))).data)


class FileVersions(OfEnvironment):
    @extend_schema(summary="Versions of a file that are kept", parameters=[URI], responses={200: FileOut(many=True)}, tags=["data"])
    def get(self, request: Request, project: str, environment: str) -> Response:
        place, uri = self.environment(), request.query_params.get("uri", "")
        if holds_a_value(uri):  # whether it is there tells one
            policy.require(self.person, "view_data", place)
        found = FileVersion.objects.at(place, uri).exclude(state="gone")
        return listed([FileOut(version).data for version in found[:MOST_LISTED]], is_whole=found.count() <= MOST_LISTED)


class PutBackFile(Changes):
    @extend_schema(summary="Put a kept version back", request=PutBackFileIn, responses={200: FileOut}, tags=["data"])
    def post(self, request: Request, project: str, environment: str, version: str) -> Response:
        versions = FileVersion.objects.filter(environment=self.environment()).select_related("environment__project")
        found = self.find(versions, pk=version)
        return Response(FileOut(actions.put_back(actor=self.person, version=found, **self.taken(PutBackFileIn))).data)


class Uploads(Changes):
    @extend_schema(summary="Your uploads under way", responses={200: UploadOut(many=True)}, tags=["data"])
    def get(self, request: Request, project: str, environment: str) -> Response:
        mine = Upload.objects.open().filter(environment=self.environment(), person=self.person)
        return Response([UploadOut(one).data for one in mine[: actions.MOST_OPEN]])

    @extend_schema(summary="Begin an upload in pieces", request=UploadIn, responses={201: UploadOut}, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        upload = actions.begin_upload(actor=self.person, environment=self.environment(), **self.taken(UploadIn))
        return Response(UploadOut(upload).data, status=201)


class OneUpload(OfEnvironment):
    @extend_schema(summary="How far an upload is", responses={200: UploadOut}, tags=["data"])
    def get(self, request: Request, project: str, environment: str, upload: str) -> Response:
        return Response(UploadOut(self.upload()).data)

    @extend_schema(summary="Send a piece", parameters=[OFFSET, DIGEST], request=BINARY, responses={200: UploadOut}, tags=["data"])
    def put(self, request: Request, project: str, environment: str, upload: str) -> Response:
        found, body = self.upload(), Body(request._request)
        offset = request.headers.get("Upload-Offset", "")
        if not re.fullmatch(r"[0-9]{1,15}", offset):
            raise PortalError(
                "The header Upload-Offset is missing or no number.", code="offset-missing", status=422, fix="Say where the piece begins."
            )
        sha256 = _sha256(request.headers.get("Content-Digest", ""))
        done = actions.receive_piece(actor=self.person, upload=found, offset=int(offset), parts=body, length=body.length, sha256=sha256)
        return Response(UploadOut(done).data)

    @extend_schema(summary="Cancel an upload", responses={204: None}, tags=["data"])
    def delete(self, request: Request, project: str, environment: str, upload: str) -> Response:
        actions.cancel_upload(actor=self.person, upload=self.upload())
        return Response(status=204)


def _sha256(header: str) -> str:
    """In hex, from `sha-256=:<base64>:`; empty when none was sent. Raises PortalError for another form."""
    if not header:
        return ""
    found = re.search(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):", header)
    try:
        raw = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        raw = b""
    if len(raw) != 32:
        raise PortalError("The header Content-Digest is not understood.", code="digest-wrong", status=422, fix="Write sha-256=:<base64>:")
    return raw.hex()


class FinishUpload(OfEnvironment):
    @extend_schema(summary="Finish an upload: the file becomes visible", request=FinishIn, responses={201: FileOut}, tags=["data"])
    def post(self, request: Request, project: str, environment: str, upload: str) -> Response:
        version = actions.finish_upload(actor=self.person, upload=self.upload(), **self.taken(FinishIn))
        return Response(FileOut(version).data, status=201)


_IN = "projects/<slug:project>/environments/<slug:environment>/"
urlpatterns = [
    path(_IN + "files/", Files.as_view()),
    path(_IN + "files/rename", RenameFile.as_view()),
    path(_IN + "files/discard", DiscardFile.as_view()),
    path(_IN + "files/versions", FileVersions.as_view()),
    path(_IN + "files/versions/<uuid:version>/put-back", PutBackFile.as_view()),
    path(_IN + "uploads/", Uploads.as_view()),
    path(_IN + "uploads/<uuid:upload>", OneUpload.as_view()),
    path(_IN + "uploads/<uuid:upload>/finish", FinishUpload.as_view()),
]
