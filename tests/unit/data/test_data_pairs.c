/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of pictures: which files belong together, that tiles and crops of both are of one place, degradations against
 * what they are said to be, and refusals.
 */
#include <math.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/data/pairs/crop.h"
#include "forge/data/pairs/partners.h"
#include "forge/data/pairs/tiling.h"
#include "support/test.h"
#include "unit/data/data_make.h"

/* ---- partners ---- */

/* Pictures of these names, read from `root`: "input target, …", or the refusal. */
static void partners_are(const char *const *names, size_t count, bool skip_bad, const char *says)
{
    struct dataset set = { .names = (char **)(uintptr_t)names, .count = count };
    struct partners out[16];
    struct reason why = { "" };
    char text[512] = "";
    size_t pairs = 0, used = 0;
    int result = partners_find(&set, "/root/images", skip_bad, out, &pairs, &why);

    for (size_t i = 0; !result && i < pairs; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%u %u", i ? ", " : "", out[i].input, out[i].target);
    if (skip_bad)
        snprintf(text + used, sizeof text - used, "; %zu", set.skipped.count);
    for (size_t i = 0; i < DATASET_SKIPPED_NAMED; i++)
        free(set.skipped.first[i]);
    if (!strstr(result ? why.text : text, says))
        fail_msg("'%s' is said, not '%s'", result ? why.text : text, says);
    assert_int_equal(result, says[0] >= '0' && says[0] <= '9' ? 0 : WISP_E_FORMAT);
}

#define PARTNERS(says, ...)                                                                                            \
    partners_are((const char *const[]){ __VA_ARGS__ }, ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })), false, says)

static void partners_by_name(void **state)
{
    (void)state;
    PARTNERS("0 2, 1 3", "input/a.png", "input/b.png", "target/a.jpg", "target/b.png");
    PARTNERS("1 0, 3 2", "masks/b.png", "images/b.png", "train/Labels/a.png", "train/Image/a.png");
    PARTNERS("0 1, 2 3", "x/noisy/a.1.png", "x/clean/a.1.png", "low/x/a.png", "high/x/a.png");
    PARTNERS("0 1, 3 2", "t/9a-image.png", "t/9a-label.png", "t/9b_mask.png", "t/9b_image.png");
    /* A folder says more than a name, the last folder the most, and the root nothing. */
    PARTNERS("0 1", "input/cat-image.png", "target/cat-image.png");
    PARTNERS("0 1", "target/input/a.png", "target/target/a.png");
    PARTNERS("0 1", "/root/images/t/a-image.png", "/root/images/t/a-mask.png");
}

static void partners_refused(void **state)
{
    static const char *const some[] = { "input/a.png", "target/a.png", "input/b.png", "c.png", "target/d.png" };

    (void)state;
    PARTNERS("input/b.png has no partner: no target is called so", "input/a.png", "target/a.png", "input/b.png");
    PARTNERS("target/c.png has no partner: no input is called so", "input/a.png", "target/a.png", "target/c.png");
    PARTNERS("input/a.png has no partner", "input/a.png", "clean/a.png");
    PARTNERS("a-target.png has no partner", "input/a.png", "a-target.png");
    PARTNERS("x/input/a.png has no partner", "x/input/a.png", "y/target/a.png");
    PARTNERS("input/a.png and input/a.jpg are both the input of one pair", "input/a.png", "target/a.png",
             "input/a.jpg");
    PARTNERS("are both the target", "target/a.png", "target/a.jpg", "input/a.png");
    PARTNERS("a/b.png: neither a folder", "a/b.png");
    PARTNERS("images.png: neither", "images.png");
    partners_are(some, ARRAY_SIZE(some), true, "0 1; 3");
}

/* ---- tiles ---- */

/* Each pixel is one tile's own, and no tile's own pixels are near an edge that is not the picture's. */
static void tiles_cover(void **state)
{
    static uint8_t owners[700];

    (void)state;
    for (uint32_t tile = 1; tile < 140; tile += 1 + tile / 8) {
        for (uint32_t length = tile; length < 4 * tile + 20; length += 1 + tile / 16) {
            const uint32_t count = tiling_count(length, tile);

            memset(owners, 0, sizeof owners);
            for (uint32_t i = 0; i < count; i++) {
                const struct tiling_stretch s = tiling_stretch(length, tile, i);

                assert_true(s.begin + tile <= length);
                assert_true(s.own_begin < s.own_end && s.own_end <= tile);
                assert_true(s.own_begin >= tile / 8 || !s.begin);
                assert_true(tile - s.own_end >= tile / 8 || s.begin + tile == length);
                for (uint32_t x = s.begin + s.own_begin; x < s.begin + s.own_end; x++)
                    owners[x]++;
            }
            for (uint32_t x = 0; x < length; x++)
                assert_int_equal(owners[x], 1);
        }
    }
    assert_int_equal(tiling_count(64, 64), 1);
    assert_int_equal(tiling_count(256, 128), 3);
}

/* A quarter is clockwise, four are none, and mirroring comes before. */
static void turns(void **state)
{
    uint8_t pixels[] = { 1, 2, 3, 4 };
    const struct media_picture picture = { 2, 2, 1, pixels };
    static const float expected[][4] = { { 1, 2, 3, 4 }, { 3, 1, 4, 2 }, { 4, 3, 2, 1 }, { 2, 4, 1, 3 },
                                         { 2, 1, 4, 3 }, { 4, 2, 3, 1 }, { 3, 4, 1, 2 }, { 1, 3, 2, 4 } };
    static struct media_levels levels;
    float out[4];

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++)
        levels.values[0][byte] = (float)byte;
    for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
        crop_take(&(struct crop){ 0, 0, 2, 2, i / 4, i % 4 }, &picture, &levels, out);
        assert_memory_equal(out, expected[i], sizeof out);
    }
}

/* ---- degradations ---- */

static void parse_refused(void **state)
{
    static const char *const bad[] = { "",       "blur=1",  "noise",     "noise=0", "noise=129",  "noise=x",
                                       "none=1", "small=1", "small=2.5", "dark=2",  "drawing=-1", "noise=25,dark=0.2" };
    struct degrading d = { NULL, 0 };
    struct reason why = { "" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(degradation_parse(bad[i], &d, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "give none, noise=S"));
    }
    assert_ok(degradation_parse("small=3", &d, &why), why);
    assert_int_equal(degradation_scale(&d), 3);
    assert_ok(degradation_parse("noise=25", &d, &why), why);
    assert_int_equal(degradation_scale(&d), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partners_by_name), cmocka_unit_test(partners_refused),
        cmocka_unit_test(tiles_cover),      cmocka_unit_test(turns),
        cmocka_unit_test(parse_refused),
    };

    return cmocka_run_group_tests(tests, data_root_make, data_root_remove);
}
