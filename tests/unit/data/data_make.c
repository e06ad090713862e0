/* SPDX-License-Identifier: Apache-2.0 */
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/test.h"
#include "unit/data/data_make.h"

const char *data_root;

int data_root_make(void **state)
{
    (void)state;
    data_root = scratch_make();
    return 0;
}

int data_root_remove(void **state)
{
    (void)state;
    scratch_remove(data_root);
    return 0;
}

const char *data_path(const char *root, const char *name)
{
    const char *path = scratch_path(root, name);
    char folder[4096];

    for (const char *at = name; (at = strchr(at, '/')); at++) {
        snprintf(folder, sizeof folder, "%s/%.*s", root, (int)(at - name), name);
        mkdir(folder, 0755);
    }
    return path;
}

void data_write(const char *root, const char *name, const void *bytes, size_t size)
{
    write_bytes(data_path(root, name), bytes, size);
}

void data_write_text(const char *root, const char *name, const char *text)
{
    data_write(root, name, text, strlen(text));
}

static struct archive *open_archive(const char *path, bool tar)
{
    struct archive *archive = archive_write_new();
    size_t length = strlen(path);

    if (!strcmp(path + length - 3, ".gz"))
        archive_write_add_filter_gzip(archive);
    else if (!strcmp(path + length - 3, ".xz"))
        archive_write_add_filter_xz(archive);
    if (tar && !strcmp(path + length - 4, ".zip"))
        archive_write_set_format_zip(archive);
    else if (tar && strstr(path, "pax"))
        archive_write_set_format_pax(archive);
    else if (tar)
        archive_write_set_format_ustar(archive);
    else
        archive_write_set_format_raw(archive);
    /* What follows the end is padding that a test of truncation must not cut. */
    archive_write_set_bytes_in_last_block(archive, 1);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    return archive;
}

static void add_entry(struct archive *archive, const char *name, const void *bytes, size_t size, const char *link)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, link ? AE_IFLNK : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    if (link)
        archive_entry_set_symlink(entry, link);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    if (size)
        assert_int_equal(archive_write_data(archive, bytes, size), size);
    archive_entry_free(entry);
}

void data_pack(const char *root, const char *name, const void *bytes, size_t size)
{
    struct archive *archive = open_archive(data_path(root, name), false);

    add_entry(archive, "data", bytes, size, NULL);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

void data_tar(const char *root, const char *name, const struct data_member *members, size_t count)
{
    /* Names of any script can be written only in a locale that has them. */
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL), before = uselocale(utf8);
    struct archive *archive = open_archive(data_path(root, name), true);

    for (size_t i = 0; i < count; i++)
        add_entry(archive, members[i].name, members[i].bytes.data, members[i].bytes.size, members[i].link);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
    uselocale(before);
    freelocale(utf8);
}

struct bytes data_picture(uint8_t value)
{
    uint8_t pixels[4] = { value, 0, 255, value };

    return make_grey_png(2, 2, pixels);
}

struct bytes data_sound(double frequency)
{
    float samples[800];

    fill_sine(samples, 800, 8000, frequency, 0.5);
    return make_wav(8000, samples, 800);
}

struct dataset *data_read(const char *path, const char *split, enum media_kind kind)
{
    struct dataset *set = NULL;
    struct reason why = { "" };

    assert_ok(dataset_read(&(struct dataset_wish){ .path = path, .split = split, .kind = kind }, &set, &why), why);
    assert_int_equal(set->kind, kind);
    assert_true(!strncmp(set->hash, "xxh3-128:", 9) && strlen(set->hash) == 41);
    return set;
}

struct dataset *data_read_columns(const char *path, const char *split, const char *label, const char *text)
{
    const struct dataset_wish wish = {
        .path = path, .split = split, .kind = MEDIA_TEXT, .label_column = label, .text_column = text
    };
    struct dataset *set = NULL;
    struct reason why;

    assert_ok(dataset_read(&wish, &set, &why), why);
    return set;
}

struct dataset *data_read_unlabelled(const char *path, enum media_kind kind)
{
    struct dataset *set = NULL;
    struct reason why;

    assert_ok(dataset_read(&(struct dataset_wish){ .path = path, .split = "train", .kind = kind, .unlabelled = true },
                           &set, &why),
              why);
    assert_true(set->unlabelled);
    assert_int_equal(set->label_count, 0);
    for (size_t i = 0; i < set->count; i++)
        assert_int_equal(set->classes[i], 0);
    return set;
}

void data_refused(const char *path, const char *split, enum media_kind kind, const char *says)
{
    struct dataset *set = NULL;
    struct reason why = { "" };
    int result = dataset_read(&(struct dataset_wish){ .path = path, .split = split, .kind = kind }, &set, &why);

    assert_null(set);
    assert_int_equal(result, WISP_E_FORMAT);
    if (!strstr(why.text, says))
        fail_msg("%s\n  wanted: %s", why.text, says);
}

void data_has(const struct dataset *set, size_t count, size_t labels, const char *names)
{
    char all[1000] = "";

    assert_int_equal(set->count, count);
    assert_int_equal(set->label_count, labels);
    for (size_t i = 0; i < labels; i++) {
        strncat(all, set->labels[i], sizeof all - strlen(all) - 2);
        strncat(all, i + 1 < labels ? " " : "", 2);
    }
    assert_string_equal(all, names);
    for (size_t i = 0; i < count; i++)
        assert_true(set->classes[i] < labels);
}
