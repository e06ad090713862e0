/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "config/value.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Smallest first; formatting takes the largest that divides the value. */
static const struct unit sizes[] = { { "B", 1 }, { "KiB", 1ull << 10 }, { "MiB", 1ull << 20 }, { "GiB", 1ull << 30 } };
static const struct unit durations[] = { { "ns", 1 }, { "us", NS_PER_US }, { "ms", NS_PER_MS }, { "s", NS_PER_S } };

/* Reads digits up to `*end`. */
static bool parse_digits(const char *text, uint64_t *out, const char **end)
{
    const char *at = text;
    uint64_t value = 0;

    for (; *at >= '0' && *at <= '9'; at++) {
        if (!size_multiply(value, 10, &value) || !size_add(value, (uint64_t)(*at - '0'), &value))
            return false;
    }
    *out = value;
    *end = at;
    return at > text && (text[0] != '0' || at == text + 1);
}

static bool parse_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *out)
{
    uint64_t value;
    const char *end;

    if (!parse_digits(text, &value, &end))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(end, units[i].name))
            return size_multiply(value, units[i].factor, out);
    }
    return false;
}

static void format_with_unit(uint64_t value, const struct unit *units, size_t count, char *out)
{
    size_t best = 0;

    for (size_t i = 0; i < count; i++) {
        if (value % units[i].factor == 0)
            best = i;
    }
    snprintf(out, VALUE_TEXT_MAX, "%" PRIu64 "%s", value / units[best].factor, units[best].name);
}

bool value_parse_count(const char *text, uint64_t *out)
{
    const char *end;

    return parse_digits(text, out, &end) && !*end;
}

bool value_parse_size(const char *text, uint64_t *out)
{
    return parse_with_unit(text, sizes, ARRAY_SIZE(sizes), out);
}

bool value_parse_duration(const char *text, uint64_t *out)
{
    if (!strcmp(text, "0")) {
        *out = 0;
        return true;
    }
    return parse_with_unit(text, durations, ARRAY_SIZE(durations), out);
}

bool value_parse_mode(const char *text, uint64_t *out)
{
    size_t length = strspn(text, "01234567");
    uint64_t value = 0;

    if (text[length] || length < 3 || length > 4 || (length == 4 && *text != '0'))
        return false;
    for (size_t i = 0; i < length; i++)
        value = value * 8 + (uint64_t)(text[i] - '0');
    *out = value;
    return true;
}

bool value_parse_percent(const char *text, uint64_t *out)
{
    const char *end;

    return parse_digits(text, out, &end) && !strcmp(end, "%");
}

bool value_parse_switch(const char *text, uint64_t *out)
{
    *out = !strcmp(text, "true");
    return *out || !strcmp(text, "false");
}

void value_format_count(uint64_t value, char out[VALUE_TEXT_MAX])
{
    snprintf(out, VALUE_TEXT_MAX, "%" PRIu64, value);
}

void value_format_size(uint64_t value, char out[VALUE_TEXT_MAX])
{
    format_with_unit(value, sizes, ARRAY_SIZE(sizes), out);
}

void value_format_duration(uint64_t value, char out[VALUE_TEXT_MAX])
{
    if (!value)
        snprintf(out, VALUE_TEXT_MAX, "0");
    else
        format_with_unit(value, durations, ARRAY_SIZE(durations), out);
}

void value_format_mode(uint64_t value, char out[VALUE_TEXT_MAX])
{
    /* Quoted: to YAML 1.1 a bare 0666 is the number 438. */
    snprintf(out, VALUE_TEXT_MAX, "\"%04" PRIo64 "\"", value);
}

void value_format_percent(uint64_t value, char out[VALUE_TEXT_MAX])
{
    snprintf(out, VALUE_TEXT_MAX, "%" PRIu64 "%%", value);
}

void value_format_switch(uint64_t value, char out[VALUE_TEXT_MAX])
{
    snprintf(out, VALUE_TEXT_MAX, "%s", value ? "true" : "false");
}
