/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as JSON: refused with a place, or every value of it is found again, inside of the text, and its strings are
 * UTF-8 that ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void walk(struct json_view value, struct json_view whole)
{
    struct json_view item = { NULL, NULL };
    size_t count = 0;
    uint64_t number;
    char *text;

    require(value.at >= whole.at && value.at < value.end && value.end <= whole.end, "a value outside of its text");
    if (!json_view_string(value, &text)) {
        require(strlen(text) <= (size_t)(value.end - value.at), "a string longer than its text");
        free(text);
    }
    (void)json_view_whole(value, 1000, &number);
    require(number <= 1000 || !json_view_whole(value, 1000, &number), "a number beyond its bound");
    while (json_view_next(value, &item)) {
        walk(item, value);
        count++;
    }
    require(count == json_view_count(value), "an array of two lengths");
    item = json_view_member(value, "a");
    if (item.at)
        walk(item, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reason why = { "" };
    struct json_view root;

    if (json_view_open((const char *)data, size, &root, &why))
        require(strstr(why.text, "byte") != NULL, "a refusal without a place");
    else
        walk(root, (struct json_view){ (const char *)data, (const char *)data + size });
    return 0;
}
