/* SPDX-License-Identifier: Apache-2.0
 *
 * idx, as MNIST has it: big-endian counts, then bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/data/readers.h"

enum { PATH_BYTES = 2048, MAGIC_PICTURES = 0x803, MAGIC_LABELS = 0x801 };

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* "train" is train-*, "test" is t10k-* or test-*; plain or .gz. False when neither is there. */
static bool find_file(const char *folder, const char *split, const char *rest, char *path)
{
    static const char *const endings[] = { ".gz", "" };
    const char *prefixes[] = { split, strcmp(split, "test") ? NULL : "t10k" };

    for (size_t p = 0; p < ARRAY_SIZE(prefixes); p++) {
        for (size_t e = 0; prefixes[p] && e < ARRAY_SIZE(endings); e++) {
            snprintf(path, PATH_BYTES, "%s/%s-%s-ubyte%s", folder, prefixes[p], rest, endings[e]);
            if (!access(path, F_OK))
                return true;
        }
    }
    snprintf(path, PATH_BYTES, "%s/%s-%s-ubyte[.gz]", folder, split, rest);
    return false;
}

bool idx_is_there(const char *folder)
{
    char path[PATH_BYTES];

    return find_file(folder, "train", "images-idx3", path) || find_file(folder, "test", "images-idx3", path);
}

static int check_size(const char *path, uint64_t expected, size_t size, uint32_t count, struct reason *why)
{
    if (size < expected)
        return refuse(why, WISP_E_FORMAT, "%s: truncated: %u items take %llu bytes, there are %zu", path, count,
                      (unsigned long long)expected, size);
    if (size > expected)
        return refuse(why, WISP_E_FORMAT, "%s: %zu bytes too many after its %u items", path, size - (size_t)expected,
                      count);
    return 0;
}

static int check_pictures(const char *path, const unsigned char *data, size_t size, struct reason *why)
{
    uint64_t expected;

    if (size < 16 || big_endian(data) != MAGIC_PICTURES)
        return refuse(why, WISP_E_FORMAT, "%s: not an idx file of pictures: byte 0 should begin 00 00 08 03", path);
    if (!big_endian(data + 8) || !big_endian(data + 12) || big_endian(data + 8) > 16384 ||
        big_endian(data + 12) > 16384)
        return refuse(why, WISP_E_FORMAT, "%s: byte 8: pictures of %u x %u", path, big_endian(data + 12),
                      big_endian(data + 8));
    if (!size_multiply((uint64_t)big_endian(data + 8) * big_endian(data + 12), big_endian(data + 4), &expected))
        return refuse(why, WISP_E_FORMAT, "%s: byte 4: %u pictures", path, big_endian(data + 4));
    return check_size(path, expected + 16, size, big_endian(data + 4), why);
}

static int check_labels(const char *path, const unsigned char *data, size_t size, uint32_t count, struct reason *why)
{
    if (size < 8 || big_endian(data) != MAGIC_LABELS)
        return refuse(why, WISP_E_FORMAT, "%s: not an idx file of labels: byte 0 should begin 00 00 08 01", path);
    if (big_endian(data + 4) != count)
        return refuse(why, WISP_E_FORMAT, "%s: byte 4: %u labels for %u pictures", path, big_endian(data + 4), count);
    return check_size(path, (uint64_t)count + 8, size, count, why);
}

int idx_read(const char *folder, const char *split, struct collect *collect, struct reason *why)
{
    char pictures_path[PATH_BYTES], labels_path[PATH_BYTES];
    cleanup_free void *labels = NULL;
    void *pictures = NULL;
    const unsigned char *header;
    size_t size, bytes;
    int result;

    if (!find_file(folder, split, "images-idx3", pictures_path))
        return refuse_errno(why, -ENOENT, "no %s split: %s", split, pictures_path);
    if (!find_file(folder, split, "labels-idx1", labels_path))
        return refuse_errno(why, -ENOENT, "pictures without labels: %s", labels_path);
    if ((result = unpack_read(pictures_path, &pictures, &size, why)) ||
        (result = collect_own(collect, pictures, why)) || (result = check_pictures(pictures_path, pictures, size, why)))
        return result;
    header = pictures;
    if ((result = unpack_read(labels_path, &labels, &size, why)) ||
        (result = check_labels(labels_path, labels, size, big_endian(header + 4), why)))
        return result;
    collect->numeric = true;
    bytes = (size_t)big_endian(header + 8) * big_endian(header + 12);
    for (uint32_t i = 0; i < big_endian(header + 4); i++) {
        struct media_picture picture = { .width = big_endian(header + 12),
                                         .height = big_endian(header + 8),
                                         .channels = 1,
                                         .pixels = (uint8_t *)pictures + 16 + i * bytes };

        if ((result = collect_picture(collect, ((const unsigned char *)labels)[8 + i], picture, why)))
            return result;
    }
    return 0;
}
