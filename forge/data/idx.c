/* SPDX-License-Identifier: Apache-2.0
 *
 * idx, as MNIST has it: big-endian counts, then bytes. Names are train-images-idx3-ubyte, or train-images.idx3-ubyte as
 * some programs unpack them, each also with .gz.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/data/readers.h"

enum {
    MAGIC_PICTURES = 0x803,
    MAGIC_LABELS = 0x801,
    PICTURES_HEADER = 16,
    LABELS_HEADER = 8,
};

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* "train" is train-*, "test" is t10k-* or test-*. *out stays NULL when there is none. */
static int find_file(const char *folder, const char *split, const char *what, const char *form, char **out)
{
    static const char *const tails[][2] = { { "-", ".gz" }, { "-", "" }, { ".", ".gz" }, { ".", "" } };
    const char *prefixes[] = { split, strcmp(split, "test") != 0 ? NULL : "t10k" };

    *out = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(prefixes) * ARRAY_SIZE(tails); i++) {
        const char *prefix = prefixes[i / ARRAY_SIZE(tails)], *const *tail = tails[i % ARRAY_SIZE(tails)];
        cleanup_free char *path = NULL;

        if (!prefix)
            continue;
        if (asprintf(&path, "%s/%s-%s%s%s-ubyte%s", folder, prefix, what, tail[0], form, tail[1]) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        if (!access(path, F_OK)) {
            *out = steal(&path);
            return 0;
        }
    }
    return 0;
}

static int find_both(const char *folder, const struct dataset_wish *wish, char **pictures, char **labels,
                     struct reason *why)
{
    const char *split = wish->split;

    if (find_file(folder, split, "images", "idx3", pictures) || find_file(folder, split, "labels", "idx1", labels))
        return refuse_errno(why, -ENOMEM, "%s", folder);
    if (!*pictures)
        return refuse(why, WISP_E_FORMAT, "%s: no %s-images-idx3-ubyte[.gz] in it", folder, split);
    if (!*labels && !wish->unlabelled)
        return refuse(why, WISP_E_FORMAT, "%s: pictures without labels: no %s-labels-idx1-ubyte[.gz] in it", folder,
                      split);
    return 0;
}

bool idx_is_there(const char *folder)
{
    cleanup_free char *train = NULL;
    cleanup_free char *test = NULL;

    find_file(folder, "train", "images", "idx3", &train);
    find_file(folder, "test", "images", "idx3", &test);
    return train || test;
}

static bool is_nearly_idx(const char *name)
{
    return strcasestr(name, "idx3") || strcasestr(name, "idx1");
}

int idx_explain(const char *folder, int result, struct reason *why)
{
    DIR *open = opendir(folder);
    struct dirent *entry;

    while (open && (entry = readdir(open))) {
        if (!is_nearly_idx(entry->d_name))
            continue;
        refuse(why, result,
               "%s: %s looks like an idx file, but its name is another than train-images-idx3-ubyte, "
               "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or .gz): rename it",
               folder, entry->d_name);
        break;
    }
    if (open)
        closedir(open);
    return result;
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

    if (size < PICTURES_HEADER || big_endian(data) != MAGIC_PICTURES)
        return refuse(why, WISP_E_FORMAT, "%s: not an idx file of pictures: byte 0 should begin 00 00 08 03", path);
    if (!big_endian(data + 8) || !big_endian(data + 12) || big_endian(data + 8) > 16384 ||
        big_endian(data + 12) > 16384)
        return refuse(why, WISP_E_FORMAT, "%s: byte 8: pictures of %u x %u", path, big_endian(data + 12),
                      big_endian(data + 8));
    if (!size_multiply((uint64_t)big_endian(data + 8) * big_endian(data + 12), big_endian(data + 4), &expected))
        return refuse(why, WISP_E_FORMAT, "%s: byte 4: %u pictures", path, big_endian(data + 4));
    return check_size(path, expected + PICTURES_HEADER, size, big_endian(data + 4), why);
}

static int check_labels(const char *path, const unsigned char *data, size_t size, uint32_t count, struct reason *why)
{
    if (size < LABELS_HEADER || big_endian(data) != MAGIC_LABELS)
        return refuse(why, WISP_E_FORMAT, "%s: not an idx file of labels: byte 0 should begin 00 00 08 01", path);
    if (big_endian(data + 4) != count)
        return refuse(why, WISP_E_FORMAT, "%s: byte 4: %u labels for %u pictures", path, big_endian(data + 4), count);
    return check_size(path, (uint64_t)count + LABELS_HEADER, size, count, why);
}

static int add_pictures(struct collect *collect, unsigned char *pictures, const unsigned char *labels,
                        struct reason *why)
{
    struct media_picture picture = { .width = big_endian(pictures + 12),
                                     .height = big_endian(pictures + 8),
                                     .channels = 1 };
    uint32_t count = big_endian(pictures + 4);

    picture.pixels = pictures + PICTURES_HEADER;
    for (uint32_t i = 0; i < count; i++) {
        int result = collect_picture(collect, labels ? labels[LABELS_HEADER + i] : 0, picture, why);

        if (result)
            return result;
        picture.pixels += (size_t)picture.width * picture.height;
    }
    return 0;
}

int idx_read(const char *folder, struct collect *collect, struct reason *why)
{
    cleanup_free char *pictures_path = NULL;
    cleanup_free char *labels_path = NULL;
    cleanup_free void *labels = NULL;
    void *pictures = NULL;
    size_t size;
    int result = find_both(folder, collect->wish, &pictures_path, &labels_path, why);

    if (result || (result = unpack_read(pictures_path, &pictures, &size, why)) ||
        (result = collect_own(collect, pictures, why)) || (result = check_pictures(pictures_path, pictures, size, why)))
        return result;
    if (collect->wish->unlabelled)
        return add_pictures(collect, pictures, NULL, why);
    if ((result = unpack_read(labels_path, &labels, &size, why)) ||
        (result = check_labels(labels_path, labels, size, big_endian((unsigned char *)pictures + 4), why)))
        return result;
    collect->numeric = true;
    return add_pictures(collect, pictures, labels, why);
}
