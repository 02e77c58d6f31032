"""Pages and answers of the API travel compressed; static files are compressed when they are collected."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressionMiddleware(GZipMiddleware):
    """gzip for what is made anew with each request; files to download keep their length and their bytes.

    Why compressing pages that hold secrets is safe here stands in docs/decisions.md.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)
