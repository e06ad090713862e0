/* SPDX-License-Identifier: Apache-2.0
 *
 * idx files: what they hold, how classes get names, and every damage with its place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "unit/data/data_make.h"

enum { COUNT = 5, SIDE = 3, PICTURES_SIZE = 16 + COUNT * SIDE * SIDE, LABELS_SIZE = 8 + COUNT };

static uint8_t pictures[PICTURES_SIZE], labels[LABELS_SIZE];
static const char *root;

#define PICTURES "train-images-idx3-ubyte"
#define LABELS   "train-labels-idx1-ubyte"

static void put_be32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static int make_files(void **state)
{
    static const uint8_t classes[COUNT] = { 2, 0, 1, 2, 0 };

    (void)state;
    root = scratch_make();
    put_be32(pictures, 0x803);
    put_be32(pictures + 4, COUNT);
    put_be32(pictures + 8, SIDE);
    put_be32(pictures + 12, SIDE);
    for (int i = 16; i < PICTURES_SIZE; i++)
        pictures[i] = (uint8_t)(i * 5);
    put_be32(labels, 0x801);
    put_be32(labels + 4, COUNT);
    memcpy(labels + 8, classes, COUNT);
    data_write(root, PICTURES, pictures, sizeof pictures);
    data_write(root, LABELS, labels, sizeof labels);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    scratch_remove(root);
    return 0;
}

static void reads(void **state)
{
    struct dataset *set = data_read(root, "train", MEDIA_IMAGE);

    (void)state;
    data_has(set, COUNT, 3, "0 1 2");
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(set->classes[i], labels[8 + i]);
        assert_int_equal(set->pictures[i].width, SIDE);
        assert_int_equal(set->pictures[i].height, SIDE);
        assert_int_equal(set->pictures[i].channels, 1);
        assert_memory_equal(set->pictures[i].pixels, pictures + 16 + i * SIDE * SIDE, SIDE * SIDE);
    }
    assert_null(dataset_free(set));
    assert_null(dataset_free(NULL));
}

static void packed_is_the_same(void **state)
{
    struct dataset *plain = data_read(root, "train", MEDIA_IMAGE), *packed;

    (void)state;
    data_pack(root, "packed/" PICTURES ".gz", pictures, sizeof pictures);
    data_pack(root, "packed/" LABELS ".gz", labels, sizeof labels);
    packed = data_read(scratch_path(root, "packed"), "train", MEDIA_IMAGE);
    assert_string_equal(plain->hash, packed->hash);
    assert_string_equal(packed->name, "packed");
    dataset_free(plain);
    dataset_free(packed);
}

/* As 7-Zip and Kaggle name them; and what is nearly right is named. */
static void spellings(void **state)
{
    struct dataset *plain = data_read(root, "train", MEDIA_IMAGE), *set;

    (void)state;
    data_write(root, "dots/train-images.idx3-ubyte", pictures, sizeof pictures);
    data_pack(root, "dots/train-labels.idx1-ubyte.gz", labels, sizeof labels);
    set = data_read(scratch_path(root, "dots"), "train", MEDIA_IMAGE);
    assert_string_equal(set->hash, plain->hash);
    dataset_free(set);
    dataset_free(plain);
    data_write(root, "near/emnist-letters-train-images-idx3-ubyte", pictures, sizeof pictures);
    data_refused(scratch_path(root, "near"), "train", MEDIA_IMAGE,
                 "near: emnist-letters-train-images-idx3-ubyte looks like an idx file, but its name is another than");
}

static void test_split(void **state)
{
    struct dataset *set;

    (void)state;
    data_refused(root, "test", MEDIA_IMAGE, "no test-images-idx3-ubyte[.gz] in it");
    data_write(root, "t10k-images-idx3-ubyte", pictures, sizeof pictures);
    data_refused(root, "test", MEDIA_IMAGE, "pictures without labels: no test-labels-idx1-ubyte[.gz]");
    data_write(root, "t10k-labels-idx1-ubyte", labels, sizeof labels);
    set = data_read(root, "test", MEDIA_IMAGE);
    data_has(set, COUNT, 3, "0 1 2");
    dataset_free(set);
}

/* Where none are wanted, neither the labels nor what is wrong with them matter. */
static void unlabelled(void **state)
{
    static const uint8_t nonsense[] = { 1, 2, 3 };
    struct dataset *set, *alone;

    (void)state;
    set = data_read_unlabelled(root, MEDIA_IMAGE);
    assert_int_equal(set->count, COUNT);
    assert_memory_equal(set->pictures[4].pixels, pictures + 16 + 4 * SIDE * SIDE, SIDE * SIDE);
    data_write(root, "alone/" PICTURES, pictures, sizeof pictures);
    alone = data_read_unlabelled(scratch_path(root, "alone"), MEDIA_IMAGE);
    assert_string_equal(alone->hash, set->hash);
    dataset_free(alone);
    data_write(root, "alone/" LABELS, nonsense, sizeof nonsense);
    alone = data_read_unlabelled(scratch_path(root, "alone"), MEDIA_IMAGE);
    assert_string_equal(alone->hash, set->hash);
    dataset_free(alone);
    dataset_free(set);
}

static void names(void **state)
{
    struct dataset *set = NULL;
    char words[][8] = { "shirt", "shoe", "bag", "coat" };
    char *known[] = { words[0], words[1], words[2], words[3] };
    struct reason why = { "" };

    (void)state;
    data_write_text(root, "labels.txt", "T-shirt\r\nAnkle boot\nBag\nCoat");
    set = data_read(root, "train", MEDIA_IMAGE);
    assert_int_equal(set->label_count, 4); /* also those that no sample has */
    assert_string_equal(set->labels[1], "Ankle boot");
    dataset_free(set);
    data_write_text(root, "labels.txt",
                    "\xef\xbb\xbf"
                    "T-shirt\nboot\nBag\n"); /* as Notepad saves it */
    set = data_read(root, "train", MEDIA_IMAGE);
    assert_string_equal(set->labels[0], "T-shirt");
    dataset_free(set);
    data_write_text(root, "labels.txt", "one\ntwo\n");
    data_refused(root, "train", MEDIA_IMAGE, "labels.txt names 2 classes, but the data has class 2");
    data_write_text(root, "labels.txt", "one\n\ntwo\n");
    data_refused(root, "train", MEDIA_IMAGE, "labels.txt:2: a label has 1 to 256 bytes");
    data_write_text(root, "labels.txt", "one\ntwo\nthr\xff");
    data_refused(root, "train", MEDIA_IMAGE, "labels.txt: not UTF-8 at byte 11");

    /* A model's labels come first. */
    assert_ok(dataset_read(
                  &(struct dataset_wish){
                      .path = root, .split = "train", .kind = MEDIA_IMAGE, .labels = known, .label_count = 4 },
                  &set, &why),
              why);
    data_has(set, COUNT, 4, "shirt shoe bag coat");
    dataset_free(set);
    set = NULL;
    assert_int_equal(dataset_read(
                         &(struct dataset_wish){
                             .path = root, .split = "train", .kind = MEDIA_IMAGE, .labels = known, .label_count = 2 },
                         &set, &why),
                     WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "the data has class 2, but the model knows 2 labels"));
    remove(scratch_path(root, "labels.txt"));
    data_write_text(root, "classes.txt", "a\nb\nc\n");
    set = data_read(root, "train", MEDIA_IMAGE);
    data_has(set, COUNT, 3, "a b c");
    dataset_free(set);
    remove(scratch_path(root, "classes.txt"));
}

static void damages(void **state)
{
    static const struct {
        bool of_labels;
        unsigned at;
        uint32_t value;
        const char *says;
    } cases[] = {
        { false, 0, 0x804, PICTURES ": not an idx file of pictures: byte 0" },
        { false, 0, 0x801, PICTURES ": not an idx file of pictures" },
        { false, 4, COUNT + 1, PICTURES ": truncated: 6 items take 70 bytes, there are 61" },
        { false, 4, COUNT - 1, PICTURES ": 9 bytes too many after its 4 items" },
        { false, 4, 0xffffffff, PICTURES ": truncated" },
        { false, 8, 0, PICTURES ": byte 8: pictures of 3 x 0" },
        { false, 12, 16385, PICTURES ": byte 8: pictures of 16385 x 3" },
        { true, 0, 0x803, LABELS ": not an idx file of labels" },
        { true, 4, COUNT + 1, LABELS ": byte 4: 6 labels for 5 pictures" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *bytes = cases[i].of_labels ? labels : pictures, kept[4];
        size_t size = cases[i].of_labels ? sizeof labels : sizeof pictures;
        const char *name = cases[i].of_labels ? LABELS : PICTURES;

        memcpy(kept, bytes + cases[i].at, 4);
        put_be32(bytes + cases[i].at, cases[i].value);
        data_write(root, name, bytes, size);
        data_refused(root, "train", MEDIA_IMAGE, cases[i].says);
        memcpy(bytes + cases[i].at, kept, 4);
        data_write(root, name, bytes, size);
    }
}

static void cut(const char *folder, const char *name, const char *full)
{
    uint8_t bytes[4096];
    FILE *file = fopen(full, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, file);

    fclose(file);
    for (size_t eighth = 0; eighth < 8; eighth++) {
        data_write(root, name, bytes, size * eighth / 8);
        data_refused(folder, "train", MEDIA_IMAGE, strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
    }
    data_write(root, name, bytes, size);
}

static void truncated(void **state)
{
    (void)state;
    cut(root, PICTURES, scratch_path(root, PICTURES));
    cut(root, LABELS, scratch_path(root, LABELS));
    cut(scratch_path(root, "packed"), "packed/" PICTURES ".gz", scratch_path(root, "packed/" PICTURES ".gz"));
    cut(scratch_path(root, "packed"), "packed/" LABELS ".gz", scratch_path(root, "packed/" LABELS ".gz"));
    data_write(root, "packed/" LABELS ".gz", labels, sizeof labels);
    data_refused(scratch_path(root, "packed"), "train", MEDIA_IMAGE, "is not packed as its name says");
}

static void no_samples(void **state)
{
    (void)state;
    put_be32(pictures + 4, 0);
    put_be32(labels + 4, 0);
    data_write(root, "none/" PICTURES, pictures, 16);
    data_write(root, "none/" LABELS, labels, 8);
    data_refused(scratch_path(root, "none"), "train", MEDIA_IMAGE, "there are no samples in it");
    put_be32(pictures + 4, COUNT);
    put_be32(labels + 4, COUNT);
}

static void other_kinds(void **state)
{
    (void)state;
    data_refused(root, "train", MEDIA_TEXT, "holds pictures, but the model takes texts");
    data_refused(root, "train", MEDIA_AUDIO, "holds pictures, but the model takes sounds");
    data_refused(root, "train", MEDIA_RAW, "there is no reader of raw values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),       cmocka_unit_test(spellings),  cmocka_unit_test(packed_is_the_same),
        cmocka_unit_test(test_split),  cmocka_unit_test(unlabelled), cmocka_unit_test(names),
        cmocka_unit_test(damages),     cmocka_unit_test(truncated),  cmocka_unit_test(no_samples),
        cmocka_unit_test(other_kinds),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
