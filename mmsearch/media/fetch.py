"""Fetching photos from the web, where the user asked for it: one file an address, bounded in size and time, and never from the
shop's own network."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ipaddress
import os
import secrets
import socket
import ssl
import time
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from mmsearch.media import MediaError
from mmsearch.media.content import os_reason

_REDIRECTS = 5
_PIECE = 65_536
_AGENT = "mmsearch (product photo fetch)"


def fetched_folder(store: str) -> Path | None:
    """Where the photos of a store that were fetched lie; None for a store that is no folder."""
    return None if "://" in store else Path(store) / "media"


def fetched_path(url: str, folder: Path) -> Path:
    """Where the photo of an address lies once it is fetched: the name is the address's hash."""
    return folder / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def fetch(url: str, folder: Path, *, limit: int, timeout: float = 20.0, allow_private: bool = False) -> Path:
    """Download an http(s) photo to `fetched_path(url, folder)`; one that is there already is not asked for again.

    The address is resolved once and the connection goes to what was checked, so that a name cannot point elsewhere in between.
    No cookies, credentials or proxies are used.

    Parameters
    ----------
    limit : most bytes that are taken. timeout : seconds for each wait; the whole download gets six times as long.
    allow_private : also ask hosts of private, loopback and link-local networks, which a feed must not make a server call.

    Raises
    ------
    MediaError : not http(s), no such host, a private host, refused, timed out, another status than 200, too large, too many
        redirects, or the folder cannot be written.
    """
    target = fetched_path(url, folder)
    if target.is_file():
        return target
    deadline = time.monotonic() + 6 * timeout
    address = url
    for _ in range(_REDIRECTS + 1):
        moved = _download(address, target, limit, timeout, deadline, allow_private)
        if moved is None:
            return target
        address = moved
    raise MediaError(f"not fetched: more than {_REDIRECTS} redirects")


def _download(url: str, target: Path, limit: int, timeout: float, deadline: float, allow_private: bool) -> str | None:
    """Fetch into `target`, or give the address that the server sends us to."""
    parts, host, port = _parse(url)
    ip = _resolve(host, port, allow_private)
    try:
        with contextlib.closing(_connect(parts.scheme, host, port, ip, timeout)) as connection:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", _quoted(path), headers={"User-Agent": _AGENT, "Accept": "image/*,*/*;q=0.5"})
            response = connection.getresponse()
            if response.status in (301, 302, 303, 307, 308) and (location := response.getheader("Location")):
                return urljoin(url, location)
            if response.status != 200:
                raise MediaError(f"not fetched: {host} answers {response.status} {response.reason}".rstrip(), kind="not fetched")
            _store(response, target, limit, deadline)
    except TimeoutError as error:
        raise MediaError(f"not fetched: {host} does not answer in {timeout:g} s") from error
    except (ssl.SSLError, http.client.HTTPException, ConnectionError, OSError, UnicodeError) as error:
        raise MediaError(f"not fetched: {host}: {getattr(error, 'strerror', None) or error or type(error).__name__}") from error
    return None


def _parse(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise MediaError(f"not fetched: malformed address ({error})") from error
    if parts.scheme not in ("http", "https"):
        raise MediaError(f"not fetched: only http and https addresses are, not {parts.scheme or 'one without a scheme'}")
    # A space in a path is common in feeds and is quoted; one in a host, or a line break anywhere, is not a mistake to mend.
    if not host or not url.isprintable() or " " in parts.netloc:
        raise MediaError("not fetched: malformed address")
    return parts, host, port or (443 if parts.scheme == "https" else 80)


def _resolve(host: str, port: int, allow_private: bool) -> str:
    """The numeric address to connect to. Every address of a name must be public: one private one among them is a trap."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise MediaError(f"not fetched: the host {host} is not found") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(_public(address) for address in addresses):
        raise MediaError(f"not fetched: {host} is in a private network", kind="not fetched")
    return addresses[0]


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):  # IPv4 behind a translator
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast


def _connect(scheme: str, host: str, port: int, ip: str, timeout: float) -> http.client.HTTPConnection:
    """A connection to `ip` that asks for `host`, and for https checks the certificate of `host`."""
    connection: http.client.HTTPConnection
    sock = socket.create_connection((ip, port), timeout)
    try:
        if scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=timeout)
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
    except BaseException:
        sock.close()
        raise
    connection.sock = sock
    return connection


def _store(response: http.client.HTTPResponse, target: Path, limit: int, deadline: float) -> None:
    """Stream the answer into a draft beside `target` and rename it: `target` is whole or not there."""
    draft = target.with_name(f".{target.name}-{os.getpid()}-{secrets.token_hex(4)}")
    too_large = MediaError(f"not fetched: more than {limit / 1e6:,.1f} MB (MMSEARCH_MAX_MEDIA_BYTES)", kind="too large")
    expected = response.length
    if expected is not None and expected > limit:
        raise too_large
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = draft.open("wb")
    except OSError as error:
        raise MediaError(f"not fetched: the folder {target.parent} cannot be written ({os_reason(error)})") from error
    try:
        with file:
            length = 0
            while piece := response.read1(_PIECE):
                length += len(piece)
                if length > limit:
                    raise too_large
                if time.monotonic() > deadline:
                    raise MediaError("not fetched: the download takes too long")
                file.write(piece)
        if length == 0:
            raise MediaError("not fetched: an empty answer")
        if expected is not None and length != expected:
            raise MediaError(f"not fetched: the connection ended after {length:,} of {expected:,} bytes")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _quoted(path: str) -> str:
    """Characters that no request line may hold, as %XX; what is quoted already stays."""
    from urllib.parse import quote

    return quote(path, safe="/%:=&?~#+!$,;'@()*[]")
