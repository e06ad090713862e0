/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of magic numbers: the formats that are read, and those that people try.
 */
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "media/spec/media.h"
#include "media/spec/sniff.h"

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
    { FORMAT_AIFF, "an AIFF sound", "FORM", 4, "AIFF", 8, 4 },
    { FORMAT_AIFF, "an AIFF sound", "FORM", 4, "AIFC", 8, 4 },
    { FORMAT_AU, "an AU sound", ".snd", 4, NULL, 0, 0 },
    { FORMAT_AU, "an AU sound", "dns.", 4, NULL, 0, 0 },
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
    { FORMAT_OTHER, "an AAC sound", "\xff\xf1", 2, NULL, 0, 0 },
    { FORMAT_OTHER, "an AAC sound", "\xff\xf9", 2, NULL, 0, 0 },
    { FORMAT_OTHER, "a CAF sound", "caff", 4, NULL, 0, 0 },
    { FORMAT_OTHER, "an AMR sound", "#!AMR", 5, NULL, 0, 0 },
    { FORMAT_OTHER, "a Windows Media file", "\x30\x26\xb2\x75", 4, NULL, 0, 0 },
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

/* How the names of files end that are in a format that is read. */
static const char *const endings[] = { ".png", ".jpg",  ".jpeg", ".wav", ".aif",  ".aiff", ".aifc",
                                       ".au",  ".flac", ".ogg",  ".oga", ".opus", ".mp3" };

bool media_ending_is_read(const char *file)
{
    const char *dot = strrchr(file, '.');

    for (size_t i = 0; dot && i < ARRAY_SIZE(endings); i++) {
        if (!strcasecmp(dot, endings[i]))
            return true;
    }
    return false;
}

/* "ID3", version (2 bytes), flags, and a size of four times 7 bits, of what follows. */
size_t sniff_id3(const void *bytes, size_t length)
{
    enum { HEAD = 10, FLAGS = 5, HAS_FOOT = 0x10 };
    const uint8_t *tag = bytes;
    size_t size = 0;

    if (length < HEAD || memcmp(tag, "ID3", 3) != 0)
        return 0;
    for (int i = 6; i < HEAD; i++)
        size = size << 7 | (tag[i] & 0x7f);
    size += tag[FLAGS] & HAS_FOOT ? 2 * HEAD : HEAD;
    return MIN(size, length);
}

/* The head of a frame of MPEG audio layer III: eleven bits, then a version, a rate of bits and one of samples that are.
 */
static bool is_mp3(const uint8_t *from, size_t length)
{
    return length >= 4 && from[0] == 0xff && (from[1] & 0xe6) == 0xe2 && (from[1] & 0x18) != 0x08 && from[2] < 0xf0 &&
           (from[2] & 0x0c) != 0x0c;
}

static enum format look_up(const void *bytes, size_t length, const char **what)
{
    const char *from = bytes;

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (length < formats[i].length || memcmp(from, formats[i].magic, formats[i].length) != 0)
            continue;
        if (formats[i].second && (!size_within(formats[i].offset, formats[i].second_length, length) ||
                                  memcmp(from + formats[i].offset, formats[i].second, formats[i].second_length) != 0))
            continue;
        *what = formats[i].what;
        return formats[i].format;
    }
    *what = NULL;
    return FORMAT_UNKNOWN;
}

enum format sniff_behind(const void *bytes, size_t length, bool tagged, const char **what)
{
    const char *found;
    enum format format = look_up(bytes, length, &found);

    if (is_mp3(bytes, length) || (tagged && format == FORMAT_UNKNOWN)) {
        format = FORMAT_MP3;
        found = "an MP3 sound";
    }
    if (what)
        *what = found;
    return format;
}

enum format sniff(const void *bytes, size_t length, const char **what)
{
    size_t tag = sniff_id3(bytes, length);

    return sniff_behind((const uint8_t *)bytes + tag, length - tag, tag != 0, what);
}
