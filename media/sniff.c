/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of magic numbers: the formats that are read, and those that people try.
 */
#include <string.h>

#include "base/size.h"
#include "media/sniff.h"

/* `magic` at the beginning, and, when there is one, `second` at `offset`. */
static const struct {
    enum format format;
    const char *what;
    const char *magic;
    size_t length;
    const char *second;
    size_t offset, second_length;
} formats[] = {
    { FORMAT_PNG, "a PNG picture", "\x89PNG\r\n\x1a\n", 8, NULL, 0, 0 },
    { FORMAT_JPEG, "a JPEG picture", "\xff\xd8\xff", 3, NULL, 0, 0 },
    { FORMAT_WAV, "a WAV sound", "RIFF", 4, "WAVE", 8, 4 },
    { FORMAT_WAV, "a WAV sound", "RIFX", 4, "WAVE", 8, 4 },
    { FORMAT_WAV, "a WAV sound", "RF64", 4, "WAVE", 8, 4 },
    { FORMAT_WAV, "a WAV sound", "BW64", 4, "WAVE", 8, 4 },
    { FORMAT_FLAC, "a FLAC sound", "fLaC", 4, NULL, 0, 0 },
    { FORMAT_OGG, "an Ogg sound", "OggS", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "a GIF picture", "GIF8", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "a BMP picture", "BM", 2, "\0\0\0\0", 6, 4 },
    { FORMAT_OTHER, "a WebP picture", "RIFF", 4, "WEBP", 8, 4 },
    { FORMAT_OTHER, "an AVI film", "RIFF", 4, "AVI ", 8, 4 },
    { FORMAT_OTHER, "a TIFF picture", "II*\0", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "a TIFF picture", "MM\0*", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "a HEIC picture", "\0\0", 2, "ftyphei", 4, 7 },
    { FORMAT_OTHER, "a HEIC picture", "\0\0", 2, "ftypmif", 4, 7 },
    { FORMAT_OTHER, "an AVIF picture", "\0\0", 2, "ftypavi", 4, 7 },
    { FORMAT_OTHER, "an MPEG-4 sound", "\0\0", 2, "ftypM4A", 4, 7 },
    { FORMAT_OTHER, "an MPEG-4 file", "\0\0", 2, "ftyp", 4, 4 },
    { FORMAT_OTHER, "a JPEG XL picture", "\xff\x0a", 2, NULL, 0, 0 },
    { FORMAT_OTHER, "a Photoshop picture", "8BPS", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "an MP3 sound", "ID3", 3, NULL, 0, 0 },
    { FORMAT_OTHER, "an MP3 sound", "\xff\xfb", 2, NULL, 0, 0 },
    { FORMAT_OTHER, "an MP3 sound", "\xff\xf3", 2, NULL, 0, 0 },
    { FORMAT_OTHER, "an AAC sound", "\xff\xf1", 2, NULL, 0, 0 },
    { FORMAT_OTHER, "an AIFF sound", "FORM", 4, "AIF", 8, 3 },
    { FORMAT_OTHER, "an AU sound", ".snd", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "a Matroska or WebM film", "\x1a\x45\xdf\xa3", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "a PDF document", "%PDF", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "a ZIP archive", "PK\3\4", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "a gzip file", "\x1f\x8b", 2, NULL, 0, 0 },
    { FORMAT_OTHER, "an xz file",
      "\xfd"
      "7zXZ",
      5, NULL, 0, 0 },
    { FORMAT_OTHER, "a program",
      "\x7f"
      "ELF",
      4, NULL, 0, 0 },
    { FORMAT_OTHER, "an SVG drawing", "<svg", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "an XML file (an SVG drawing?)", "<?xml", 5, NULL, 0, 0 },
};

enum format sniff(const void *bytes, size_t length, const char **what)
{
    const char *from = bytes;

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (length < formats[i].length || memcmp(from, formats[i].magic, formats[i].length) != 0)
            continue;
        if (formats[i].second && (!size_within(formats[i].offset, formats[i].second_length, length) ||
                                  memcmp(from + formats[i].offset, formats[i].second, formats[i].second_length) != 0))
            continue;
        if (what)
            *what = formats[i].what;
        return formats[i].format;
    }
    if (what)
        *what = NULL;
    return FORMAT_UNKNOWN;
}
