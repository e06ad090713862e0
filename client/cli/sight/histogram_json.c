/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/sight/histogram_json.h"

static bool take_bucket(const json_t *pair, struct histogram *out)
{
    const json_int_t end = json_integer_value(json_array_get(pair, 0));
    const json_int_t count = json_integer_value(json_array_get(pair, 1));

    if (end <= 0 || count < 0)
        return false;
    insist(histogram_index((uint64_t)end - 1) < ARRAY_SIZE(out->counts), "%lld", (long long)end);
    out->counts[histogram_index((uint64_t)end - 1)] += (uint64_t)count;
    return true;
}

bool histogram_from_json(const json_t *json, struct histogram *out)
{
    const json_t *buckets = json_object_get(json, "buckets");

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        if (!take_bucket(json_array_get(buckets, i), out)) {
            memset(out, 0, sizeof *out);
            return false;
        }
    }
    out->sum = member_count(json, "sum_ns");
    return json_is_array(buckets);
}
