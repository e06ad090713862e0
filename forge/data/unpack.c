/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files into memory, unpacked when they begin as gzip or xz do. zlib and liblzma check the sums that the formats
 * carry, so what comes out is what was packed; a file of several parts, one after another, is all of them.
 */
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "forge/data/readers.h"

enum {
    FIRST_ROOM = 1 << 20,
    PART_MAX = 1 << 30, /* zlib counts in unsigned int */
};

#define LZMA_MEMORY_MAX (512ull << 20)

struct output {
    unsigned char *bytes;
    size_t size, capacity;
};

/* Room for more, at least one byte. WISP_E_FORMAT at the limit. */
static int make_room(struct output *out, struct reason *why)
{
    size_t capacity = MAX((size_t)FIRST_ROOM, out->capacity * 2);
    unsigned char *larger;

    if (out->size < out->capacity)
        return 0;
    if (out->size >= COLLECT_FILE_MAX)
        return refuse(why, WISP_E_FORMAT, "larger than %llu bytes when unpacked", (unsigned long long)COLLECT_FILE_MAX);
    larger = realloc(out->bytes, capacity + 1);
    if (!larger)
        return refuse_errno(why, -ENOMEM, "%zu bytes", capacity);
    out->bytes = larger;
    out->capacity = capacity;
    return 0;
}

static int refuse_packed(const char *format, size_t at, const char *what, struct reason *why)
{
    return refuse(why, WISP_E_FORMAT, "damaged %s at byte %zu: %s", format, at, what ? what : "it cannot be unpacked");
}

static void end_inflate(z_stream *stream)
{
    inflateEnd(stream);
}

static bool only_zeros(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

/* Puts as much as fits before zlib. */
static void feed(z_stream *stream, struct output *out, const unsigned char *data, size_t size)
{
    size_t at = (size_t)(stream->next_in - data);

    stream->avail_in = (unsigned)MIN(size - at, PART_MAX);
    stream->next_out = out->bytes + out->size;
    stream->avail_out = (unsigned)MIN(out->capacity - out->size, PART_MAX);
}

static int unpack_gzip(const unsigned char *data, size_t size, struct output *out, struct reason *why)
{
    cleanup(end_inflate) z_stream stream = { .next_in = (z_const unsigned char *)data };
    int status = inflateInit2(&stream, 16 + MAX_WBITS), result;

    if (status != Z_OK)
        return refuse_errno(why, -ENOMEM, "gzip");
    for (;;) {
        size_t at, before;

        if ((result = make_room(out, why)))
            return result;
        feed(&stream, out, data, size);
        before = stream.avail_out;
        status = inflate(&stream, Z_NO_FLUSH);
        out->size += before - stream.avail_out;
        at = (size_t)(stream.next_in - data);
        if (status == Z_MEM_ERROR)
            return refuse_errno(why, -ENOMEM, "gzip");
        if (status == Z_STREAM_END && only_zeros(data + at, size - at))
            return 0;
        if (status == Z_STREAM_END)
            inflateReset(&stream);
        else if (status == Z_BUF_ERROR || (status == Z_OK && at == size && stream.avail_out))
            return refuse(why, WISP_E_FORMAT, "the gzip file is cut off at byte %zu", size);
        else if (status != Z_OK)
            return refuse_packed("gzip", at, stream.msg, why);
    }
}

static void end_lzma(lzma_stream *stream)
{
    lzma_end(stream);
}

static const char *lzma_text(lzma_ret status)
{
    switch (status) {
    case LZMA_FORMAT_ERROR:
        return "not xz";
    case LZMA_OPTIONS_ERROR:
        return "options that are not known";
    case LZMA_MEMLIMIT_ERROR:
        return "unpacking it takes too much memory";
    default:
        return "the data do not match their sums";
    }
}

static int unpack_xz(const unsigned char *data, size_t size, struct output *out, struct reason *why)
{
    cleanup(end_lzma) lzma_stream stream = LZMA_STREAM_INIT;
    lzma_ret status = lzma_stream_decoder(&stream, LZMA_MEMORY_MAX, LZMA_CONCATENATED);

    if (status != LZMA_OK)
        return refuse_errno(why, -ENOMEM, "xz");
    stream.next_in = data;
    stream.avail_in = size;
    while (status == LZMA_OK) {
        int result = make_room(out, why);

        if (result)
            return result;
        stream.next_out = out->bytes + out->size;
        stream.avail_out = out->capacity - out->size;
        status = lzma_code(&stream, LZMA_FINISH);
        out->size = out->capacity - stream.avail_out;
    }
    if (status == LZMA_STREAM_END)
        return 0;
    if (status == LZMA_MEM_ERROR)
        return refuse_errno(why, -ENOMEM, "xz");
    if (status == LZMA_BUF_ERROR)
        return refuse(why, WISP_E_FORMAT, "the xz file is cut off at byte %zu", size);
    return refuse_packed("xz", size - stream.avail_in, lzma_text(status), why);
}

int unpack_read(const char *path, void **data, size_t *size, struct reason *why)
{
    static const char *const endings[] = { ".gz", ".xz", ".tgz", ".txz" };
    cleanup_free void *packed = NULL;
    struct output out = { .bytes = NULL };
    size_t length;
    int result = file_read(path, COLLECT_FILE_MAX, &packed, &length, why);

    if (result)
        return result;
    if (length >= 2 && !memcmp(packed, "\x1f\x8b", 2)) {
        result = unpack_gzip(packed, length, &out, why);
    } else if (length >= 6 && !memcmp(packed,
                                      "\xfd"
                                      "7zXZ",
                                      6)) {
        result = unpack_xz(packed, length, &out, why);
    } else if (name_ends(path, endings, ARRAY_SIZE(endings))) {
        return refuse(why, WISP_E_FORMAT, "%s is not packed as its name says (gzip or xz)", path);
    } else {
        *data = steal(&packed);
        *size = length;
        return 0;
    }
    if (result) {
        free(out.bytes);
        return refuse_in(why, result, "%s", path);
    }
    out.bytes[out.size] = 0;
    *data = out.bytes;
    *size = out.size;
    return 0;
}
