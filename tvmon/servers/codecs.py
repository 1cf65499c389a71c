"""
Names of codecs, as every media server spells them its own way, and their numbers in FLV.

The normal form has both: the name says all there is, the number is what TVie servers tell and
what older readers of the API look at.
"""

from __future__ import annotations

from typing import Any

VIDEO = {2: "H263", 4: "VP6", 7: "H264", 12: "H265", 13: "AV1"}
"""FLV's numbers; 12 and 13 are in use without being in the specification."""

AUDIO = {0: "PCM", 1: "ADPCM", 2: "MP3", 7: "G711", 8: "G711", 10: "AAC", 11: "Speex", 13: "Opus"}

_NAMES = {
    "avc": "H264", "avc1": "H264", "avc3": "H264", "h264": "H264", "x264": "H264",
    "hevc": "H265", "hvc1": "H265", "hev1": "H265", "h265": "H265", "dvh1": "H265", "dvhe": "H265",
    "h263": "H263", "vp6": "VP6", "vp8": "VP8", "vp9": "VP9", "vp08": "VP8", "vp09": "VP9",
    "av1": "AV1", "av01": "AV1", "mjpeg": "MJPEG", "mpeg1video": "MPEG-1", "mpeg12video": "MPEG-2",
    "mpeg4video": "MPEG-4", "theora": "Theora",
    "aac": "AAC", "mp4a": "AAC", "mpeg4audio": "AAC", "mpeg4audiolatm": "AAC", "aaclatm": "AAC",
    "mp3": "MP3", "mpeg1audio": "MP3", "mpeg12audio": "MP3", "mpeg": "MP3", "mp4a4034": "MP3",
    "opus": "Opus", "vorbis": "Vorbis", "speex": "Speex", "flac": "FLAC",
    "g711": "G711", "pcma": "G711", "pcmu": "G711", "g722": "G722", "lpcm": "PCM", "pcm": "PCM",
    "ac3": "AC-3", "ec3": "E-AC-3", "eac3": "E-AC-3",
}  # fmt: skip

_VIDEO_IDS = {name: number for number, name in VIDEO.items()}
_AUDIO_IDS = {"PCM": 0, "MP3": 2, "G711": 7, "AAC": 10, "Speex": 11, "Opus": 13}
_VIDEO_NAMES = frozenset(_VIDEO_IDS) | {
    "VP8", "VP9", "MJPEG", "MPEG-1", "MPEG-2", "MPEG-4", "Theora"
}  # fmt: skip
CODEC_CHARACTERS = 20


def codec(spelled: object) -> str | None:
    """
    The name of a codec however it is spelled: ``avc1.64001f`` and ``H264`` are ``H264``.

    One that is not known is kept as it is, where it is short; what is no text is ``None``.
    """
    if not isinstance(spelled, str) or not spelled.strip():
        return None
    plain = spelled.strip().lower()
    for candidate in (plain, plain.partition(".")[0], plain.partition(" ")[0]):
        name = _NAMES.get("".join(c for c in candidate if c.isalnum()))
        if name is not None:
            return name
    kept = spelled.strip()[:CODEC_CHARACTERS]
    return kept if kept.isascii() and kept.isprintable() else None


def is_video(name: str) -> bool:
    """Whether a name that :func:`codec` gave is one of a picture's codecs."""
    return name in _VIDEO_NAMES


def codec_fields(video: object = None, audio: object = None) -> dict[str, Any]:
    """The fields of a Measurement for a picture's and a sound's codec, however they are spelled."""
    picture, sound = codec(video), codec(audio)
    return {
        "video_codec": picture,
        "stream_info_videocodecid": None if picture is None else _VIDEO_IDS.get(picture),
        "audio_codec": sound,
        "stream_info_audiocodecid": None if sound is None else _AUDIO_IDS.get(sound),
    }
