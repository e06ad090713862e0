/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of files, in folders and in archives: which file belongs where, that both forms give the same, and damage.
 */
#include <locale.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "support/test.h"
#include "unit/data/data_make.h"

static void put(const char *name, struct bytes bytes)
{
    data_write(data_root, name, bytes.data, bytes.size);
    free(bytes.data);
}

static void class_folders(void **state)
{
    struct dataset *set, *again;

    (void)state;
    put("p/train/dog/2.png", data_picture(2));
    put("p/train/cat/1.png", data_picture(1));
    put("p/train/cat/deeper/0.png", data_picture(9));
    put("p/train/dog/10.png", data_picture(10));
    put("p/test/cat/7.png", data_picture(7));
    data_write_text(data_root, "p/README.md", "about");
    data_write_text(data_root, "p/train/LICENSE", "free");
    data_write_text(data_root, "p/train/cat/.DS_Store", "hidden");
    data_write_text(data_root, "p/train/.hidden/x.png", "hidden");
    set = data_read(scratch_path(data_root, "p"), "train", MEDIA_IMAGE);
    data_has(set, 4, 3, "cat deeper dog");
    assert_int_equal(set->pictures[0].pixels[0], 1);  /* cat/1 */
    assert_int_equal(set->pictures[1].pixels[0], 9);  /* cat/deeper/0 */
    assert_int_equal(set->pictures[2].pixels[0], 10); /* dog/10, before dog/2 by name */
    assert_int_equal(set->pictures[3].pixels[0], 2);
    again = data_read(scratch_path(data_root, "p/train"), "train", MEDIA_IMAGE);
    assert_string_equal(set->hash, again->hash);
    dataset_free(again);
    dataset_free(set);
    set = data_read(scratch_path(data_root, "p"), "test", MEDIA_IMAGE);
    data_has(set, 1, 1, "cat");
    dataset_free(set);
    data_refused(scratch_path(data_root, "p"), "validation", MEDIA_IMAGE,
                 "there are splits in it, but none that is named \"validation\"");
}

static void hash_follows_content(void **state)
{
    struct dataset *a, *b;

    (void)state;
    put("h/x/1.png", data_picture(1));
    put("h/y/1.png", data_picture(2));
    a = data_read(scratch_path(data_root, "h"), "train", MEDIA_IMAGE);
    put("h/y/1.png", data_picture(3));
    b = data_read(scratch_path(data_root, "h"), "train", MEDIA_IMAGE);
    assert_string_not_equal(a->hash, b->hash);
    dataset_free(b);
    put("h/y/1.png", data_picture(2));
    rename(scratch_path(data_root, "h/y"), scratch_path(data_root, "h/z"));
    b = data_read(scratch_path(data_root, "h"), "train", MEDIA_IMAGE);
    assert_string_not_equal(a->hash, b->hash);
    dataset_free(b);
    dataset_free(a);
}

/* fsdd's names, in a folder, and in tars of every packing with and without a folder around. */
static void prefixes(void **state)
{
    static const struct {
        const char *name, *prefix;
    } tars[] = {
        { "t/a.tar", "" },
        { "t/b.tar.gz", "./" },
        { "t/c.tar.xz", "fsdd-1.0/" },
        { "t/d.tar", "../../x/" },
    };
    static const char *const names[] = { "test/3_z_0.wav", "train/0_george_1.wav", "train/0_george_2.wav",
                                         "train/7_theo_0.wav" };
    struct dataset *tree;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char name[64];

        snprintf(name, sizeof name, "s/%s", names[i]);
        put(name, data_sound(300 + 100 * (double)i));
    }
    data_write_text(data_root, "s/README.md", "about");
    tree = data_read(scratch_path(data_root, "s"), "train", MEDIA_AUDIO);
    data_has(tree, 3, 2, "0 7");
    assert_int_equal(tree->sounds[0].rate, 8000);
    assert_int_equal(tree->sounds[0].count, 800);
    for (size_t t = 0; t < ARRAY_SIZE(tars); t++) {
        struct data_member members[ARRAY_SIZE(names) + 1] = { { .name = "README.md", .bytes = { (uint8_t *)"x", 1 } } };
        char paths[ARRAY_SIZE(names)][64];
        struct dataset *set;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            snprintf(paths[i], sizeof paths[i], "%s%s", tars[t].prefix, names[i]);
            members[i + 1] = (struct data_member){ .name = paths[i], .bytes = data_sound(300 + 100 * (double)i) };
        }
        data_tar(data_root, tars[t].name, members, ARRAY_SIZE(members));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
            free(members[i + 1].bytes.data);
        if (strstr(tars[t].prefix, "..")) {
            data_refused(scratch_path(data_root, tars[t].name), "train", MEDIA_AUDIO, "no data in it that are known");
            continue;
        }
        set = data_read(scratch_path(data_root, tars[t].name), "train", MEDIA_AUDIO);
        data_has(set, 3, 2, "0 7");
        assert_string_equal(set->hash, tree->hash);
        dataset_free(set);
    }
    dataset_free(tree);
}

/* CLASS_REST in every format that wisp run reads: what lies in a folder is chosen by how its name ends, in one list for
 * both, and told apart by how it begins. */
static void every_format(void **state)
{
    static const struct {
        const char *name;
        int format;
    } files[] = {
        { "f/a_1.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16 },   { "f/a_2.AIFF", SF_FORMAT_AIFF | SF_FORMAT_PCM_16 },
        { "f/b_3.aif", SF_FORMAT_AIFF | SF_FORMAT_FLOAT },   { "f/b_4.au", SF_FORMAT_AU | SF_FORMAT_PCM_16 },
        { "f/c_5.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16 }, { "f/c_6.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS },
        { "f/d_7.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS },    { "f/d_8.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III }
    };
    static float samples[8000];
    struct dataset *set;

    (void)state;
    fill_sine(samples, ARRAY_SIZE(samples), 8000, 440, 0.5);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        put(files[i].name, make_sound(files[i].format, 8000, 1, samples, ARRAY_SIZE(samples)));
    data_write_text(data_root, "f/e_9.m4a.txt", "no sound");
    set = data_read(scratch_path(data_root, "f"), "train", MEDIA_AUDIO);
    data_has(set, ARRAY_SIZE(files), 4, "a b c d");
    dataset_free(set);
}

static void no_class(void **state)
{
    (void)state;
    put("n/logo.png", data_picture(1));
    data_refused(scratch_path(data_root, "n"), "train", MEDIA_IMAGE,
                 "logo.png: its class is not known; put it in a folder");
    put("n/_x.png", data_picture(1));
    data_refused(scratch_path(data_root, "n"), "train", MEDIA_IMAGE, "_x.png: its class is not known");
    data_write_text(data_root, "e/README", "nothing");
    data_refused(scratch_path(data_root, "e"), "train", MEDIA_IMAGE,
                 "no data in it that are known: a folder for each class");
}

/* One bad file spoils the set, and is named. */
static void bad_files(void **state)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        { "b/cat/2.png", "GIF89a", "b/cat/2.png: a GIF picture; pictures are read as PNG or JPEG" },
        { "b/cat/2.png", "", "b/cat/2.png: the file is empty" },
        { "b/cat/notes.txt", "note", "b/cat/notes.txt: not a picture" },
        { "b/cat/2.png", "\x89PNG\r\n\x1a\n", "b/cat/2.png: the PNG file is cut off" },
    };

    (void)state;
    put("b/cat/1.png", data_picture(1));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        data_write_text(data_root, cases[i].name, cases[i].text);
        data_refused(scratch_path(data_root, "b"), "train", MEDIA_IMAGE, cases[i].says);
        remove(scratch_path(data_root, cases[i].name));
    }
    put("b/cat/2.wav", data_sound(400));
    data_refused(scratch_path(data_root, "b"), "train", MEDIA_IMAGE, "b/cat/2.wav: a WAV sound; pictures are read as");
    data_refused(scratch_path(data_root, "b"), "train", MEDIA_AUDIO,
                 "b/cat/1.png: a PNG picture; recordings are read as");
    remove(scratch_path(data_root, "b/cat/2.wav"));
    assert_int_equal(symlink("nowhere", scratch_path(data_root, "b/cat/2.png")), 0);
    {
        struct dataset *set = NULL;
        struct reason why = { "" };

        assert_int_equal(
            dataset_read(
                &(struct dataset_wish){ .path = scratch_path(data_root, "b"), .split = "train", .kind = MEDIA_IMAGE },
                &set, &why),
            -ENOENT);
        assert_non_null(strstr(why.text, "b/cat/2.png"));
    }
}

/* What file managers leave behind is passed over, in folders and in archives. */
static void litter(void **state)
{
    static const char *const names[] = { "l/cat/Thumbs.db", "l/cat/desktop.ini",  "l/cat/ehthumbs.db",
                                         "l/cat/.DS_Store", "l/dog/@eaDir/1.png", "l/__MACOSX/cat/._1.png" };
    struct data_member members[ARRAY_SIZE(names) + 1] = { { .name = "l/cat/1.png", .bytes = data_picture(1) } };
    struct dataset *set;

    (void)state;
    put("l/cat/1.png", data_picture(1));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        data_write_text(data_root, names[i], "no picture");
        members[i + 1] = (struct data_member){ .name = names[i], .bytes = { (uint8_t *)"x", 1 } };
    }
    set = data_read(scratch_path(data_root, "l"), "train", MEDIA_IMAGE);
    data_has(set, 1, 1, "cat");
    dataset_free(set);
    data_tar(data_root, "l.tar", members, ARRAY_SIZE(members));
    set = data_read(scratch_path(data_root, "l.tar"), "train", MEDIA_IMAGE);
    data_has(set, 1, 1, "cat");
    dataset_free(set);
    free(members[0].bytes.data);
}

/* This program runs in the C locale, which has no letter of these. */
static void names_of_any_script(void **state)
{
    static const char *const archives[] = { "u.tar", "u-pax.tar.gz", "u.zip" };
    struct data_member members[] = { { .name = "train/gr\xc3\xbc\xc3\x9f"
                                               "e/\xe6\x97\xa5.png",
                                       .bytes = data_picture(1) },
                                     { .name = "train/\xe7\x8c\xab/\xf0\x9f\x90\x88.png", .bytes = data_picture(2) } };

    (void)state;
    assert_string_equal(setlocale(LC_ALL, NULL), "C");
    for (size_t i = 0; i < ARRAY_SIZE(archives); i++) {
        struct dataset *set;
        char name[64];

        data_tar(data_root, archives[i], members, ARRAY_SIZE(members));
        set = data_read(scratch_path(data_root, archives[i]), "train", MEDIA_IMAGE);
        data_has(set, 2, 2,
                 "gr\xc3\xbc\xc3\x9f"
                 "e \xe7\x8c\xab");
        assert_string_equal(dataset_sample(set, 1, name, sizeof name), members[1].name);
        dataset_free(set);
    }
    free(members[0].bytes.data);
    free(members[1].bytes.data);
    members[0] = (struct data_member){ .name = "train/gr\xfc/1.png", .bytes = data_picture(1) }; /* Latin-1 */
    data_tar(data_root, "u.tar", members, 1);
    data_refused(scratch_path(data_root, "u.tar"), "train", MEDIA_IMAGE, "label: not UTF-8 at byte 2");
    free(members[0].bytes.data);
}

static void skips(const char *name, enum media_kind kind, size_t count, size_t skipped)
{
    struct dataset_wish wish = {
        .path = scratch_path(data_root, name), .split = "train", .kind = kind, .skip_bad = true
    };
    struct media *media = NULL;
    struct dataset *set = NULL;
    struct reason why;

    if (kind == MEDIA_AUDIO)
        assert_ok(media_parse("{\"kind\":\"audio\",\"mels\":8,\"frames\":4}", &media, &why), why);
    wish.media = media;
    assert_ok(dataset_read(&wish, &set, &why), why);
    assert_int_equal(set->count, count);
    assert_int_equal(set->skipped.count, skipped);
    for (size_t i = 0; i < MIN(skipped, (size_t)DATASET_SKIPPED_NAMED); i++)
        assert_non_null(strstr(set->skipped.first[i], "bad"));
    dataset_free(set);
    media_free(media);
}

/* Cut off, of another kind, empty, unreadable, silent: left out and named. */
static void bad_files_are_skipped(void **state)
{
    struct bytes sound = data_sound(500), silent = data_sound(0);
    struct data_member members[] = { { .name = "a/1.wav", .bytes = sound },
                                     { .name = "b/bad1.wav", .bytes = { sound.data, sound.size - 20 } },
                                     { .name = "b/bad2.wav", .bytes = silent },
                                     { .name = "b/2.wav", .bytes = sound } };
    struct dataset *set = NULL;
    struct reason why;

    (void)state;
    put("k/a/1.png", data_picture(1));
    put("k/b/1.png", data_picture(2));
    data_write_text(data_root, "k/a/bad1.png", "GIF89a");
    data_write_text(data_root, "k/a/bad2.png", "");
    data_write_text(data_root, "k/a/bad3.txt", "note");
    data_write_text(data_root, "k/b/bad4.png", "\x89PNG\r\n\x1a\n");
    assert_int_equal(symlink("nowhere", scratch_path(data_root, "k/b/bad5.png")), 0);
    put("k/b/bad6.wav", data_sound(300));
    skips("k", MEDIA_IMAGE, 2, 6);
    data_tar(data_root, "k.tar", members, ARRAY_SIZE(members));
    skips("k.tar", MEDIA_AUDIO, 2, 2);
    data_tar(data_root, "k.tar", members + 1, 1);
    assert_int_equal(dataset_read(&(struct dataset_wish){ .path = scratch_path(data_root, "k.tar"),
                                                          .split = "train",
                                                          .kind = MEDIA_AUDIO,
                                                          .skip_bad = true },
                                  &set, &why),
                     WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "none of its 1 files can be read; the first: b/bad1.wav"));
    free(sound.data);
    free(silent.data);
}

static void endless_folders(void **state)
{
    (void)state;
    data_path(data_root, "loop/x/");
    assert_int_equal(symlink("..", scratch_path(data_root, "loop/x/again")), 0);
    data_refused(scratch_path(data_root, "loop"), "train", MEDIA_IMAGE, "more than 8 folders deep");
}

static void bad_tars(void **state)
{
    struct bytes sound = data_sound(500);
    struct data_member good = { .name = "train/1_a.wav", .bytes = sound };
    struct data_member members[2] = { good, { .name = "train/2_a.wav", .bytes = { (uint8_t *)"no", 2 } } };
    static uint8_t bytes[65536];
    static const char *const names[] = { "x.tar", "x.tar.gz", "x.tar.xz" };

    (void)state;
    data_tar(data_root, "x.tar", members, 2);
    data_refused(scratch_path(data_root, "x.tar"), "train", MEDIA_AUDIO, "x.tar: train/2_a.wav: not a recording");
    data_refused(scratch_path(data_root, "x.tar"), "train", MEDIA_IMAGE, "x.tar: train/1_a.wav: a WAV sound");
    data_refused(scratch_path(data_root, "x.tar"), "train", MEDIA_TEXT, "x.tar holds files, but the model takes texts");
    members[1] = (struct data_member){ .name = "train/2_a.wav", .link = "1_a.wav" };
    data_tar(data_root, "x.tar", members, 2);
    data_refused(scratch_path(data_root, "x.tar"), "train", MEDIA_AUDIO,
                 "train/2_a.wav is neither a file nor a folder");
    for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
        size_t size;
        FILE *file;

        data_tar(data_root, names[n], &good, 1);
        file = fopen(scratch_path(data_root, names[n]), "rb");
        size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        for (size_t eighth = 0; eighth < 8; eighth++) {
            /* A plain tar ends in two blocks of zeros, which may be missing. */
            size_t whole = n ? size : 512 + (sound.size + 511) / 512 * 512;

            data_write(data_root, names[n], bytes, whole * eighth / 8);
            data_refused(scratch_path(data_root, names[n]), "train", MEDIA_AUDIO, names[n]);
        }
    }
    free(sound.data);
}

/* A folder with archives: the one that is named for the split, or the only one. */
static void archives_in_folders(void **state)
{
    struct data_member member = { .name = "train/cat/1.png", .bytes = data_picture(1) };
    struct dataset *set;

    (void)state;
    data_tar(data_root, "f/any.tar.gz", &member, 1);
    set = data_read(scratch_path(data_root, "f"), "train", MEDIA_IMAGE);
    data_has(set, 1, 1, "cat");
    dataset_free(set);
    data_tar(data_root, "f/other.tar.gz", &member, 1);
    data_refused(scratch_path(data_root, "f"), "train", MEDIA_IMAGE, "2 files may hold the split \"train\"");
    data_tar(data_root, "f/cifar-train.tar.xz", &member, 1);
    set = data_read(scratch_path(data_root, "f"), "train", MEDIA_IMAGE);
    data_has(set, 1, 1, "cat");
    dataset_free(set);
    free(member.bytes.data);
}

/* No folder need say a class; one that does says nothing. */
static void unlabelled(void **state)
{
    struct dataset *set, *again;
    struct data_member member = { .name = "1.png", .bytes = data_picture(1) };

    (void)state;
    put("u/1.png", data_picture(1));
    put("u/deep/2.png", data_picture(2));
    put("u/test/3.png", data_picture(3));
    data_write_text(data_root, "u/README.md", "about");
    set = data_read_unlabelled(scratch_path(data_root, "u"), MEDIA_IMAGE);
    assert_int_equal(set->count, 2);
    assert_int_equal(set->pictures[1].pixels[0], 2);
    rename(scratch_path(data_root, "u/deep"), scratch_path(data_root, "u/other"));
    again = data_read_unlabelled(scratch_path(data_root, "u"), MEDIA_IMAGE);
    assert_string_equal(again->hash, set->hash);
    dataset_free(again);
    dataset_free(set);
    data_tar(data_root, "flat.tar.gz", &member, 1);
    set = data_read_unlabelled(scratch_path(data_root, "flat.tar.gz"), MEDIA_IMAGE);
    assert_int_equal(set->count, 1);
    dataset_free(set);
    free(member.bytes.data);
}

/* A set behind another: its samples, their names, and a hash of both. */
static void joined(void **state)
{
    struct dataset *set, *rest;
    struct reason why;
    char name[128], first[48];

    (void)state;
    put("join1/a/1.png", data_picture(1));
    put("join1/b/2.png", data_picture(2));
    put("join2/3.png", data_picture(3));
    put("join2/4.png", data_picture(4));
    put("join2/5.png", data_picture(5));
    set = data_read(scratch_path(data_root, "join1"), "train", MEDIA_IMAGE);
    rest = data_read_unlabelled(scratch_path(data_root, "join2"), MEDIA_IMAGE);
    memcpy(first, set->hash, sizeof first);
    assert_ok(dataset_join(set, rest, &why), why);
    assert_int_equal(set->count, 5);
    assert_int_equal(set->own, 2);
    assert_int_equal(set->label_count, 2);
    assert_int_equal(set->classes[1], 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(set->pictures[i].pixels[0], i + 1);
    assert_non_null(strstr(dataset_sample(set, 1, name, sizeof name), "b/2.png"));
    assert_non_null(strstr(dataset_sample(set, 3, name, sizeof name), "join2/4.png"));
    assert_string_not_equal(set->hash, first);
    dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(class_folders),
        cmocka_unit_test(hash_follows_content),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(every_format),
        cmocka_unit_test(no_class),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(endless_folders),
        cmocka_unit_test(litter),
        cmocka_unit_test(names_of_any_script),
        cmocka_unit_test(bad_files_are_skipped),
        cmocka_unit_test(bad_tars),
        cmocka_unit_test(archives_in_folders),
        cmocka_unit_test(unlabelled),
        cmocka_unit_test(joined),
    };

    return cmocka_run_group_tests(tests, data_root_make, data_root_remove);
}
