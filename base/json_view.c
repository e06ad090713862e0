/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader goes over bytes that end with `end`, not with a zero. Behind json_view_open() the text is known to be
 * JSON, and nothing is checked twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_view.h"

struct reader {
    const char *at, *end;
    unsigned depth;
    const char *wrong; /* what, at `at` */
};

static bool fault(struct reader *r, const char *wrong)
{
    r->wrong = wrong;
    return false;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* The byte that stands next behind blanks; 0 at the end. */
static char peek(struct reader *r)
{
    r->at = skip_blanks(r->at, r->end);
    return r->at < r->end ? *r->at : 0;
}

/* ---- strings ---- */

/* Four hexadecimal digits. */
static bool read_unit(const char *at, const char *end, uint32_t *out)
{
    if (end - at < 4)
        return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = at[i] ? strchr(digits, at[i] | (at[i] >= 'A' && at[i] <= 'F' ? 0x20 : 0)) : NULL;

        if (!digit)
            return false;
        *out = *out << 4 | (uint32_t)(digit - digits);
    }
    return true;
}

/* The character of \uXXXX, two of them for one beyond U+FFFF; *at is moved behind it. False for half a pair. */
static bool read_escaped(const char **at, const char *end, uint32_t *out)
{
    uint32_t low;

    if (!read_unit(*at, end, out))
        return false;
    *at += 4;
    if (*out < 0xd800 || *out > 0xdfff)
        return *out != 0;
    if (*out > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u' || !read_unit(*at + 2, end, &low) ||
        low < 0xdc00 || low > 0xdfff)
        return false;
    *out = 0x10000 + ((*out & 0x3ff) << 10) + (low & 0x3ff);
    *at += 6;
    return true;
}

/* Bytes of the UTF-8 character that begins there; 0 when none does (Unicode 15, table 3-7). */
static size_t utf8_length(const char *text, const char *end)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = (size_t)(end - text), length = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;

    if (length == 1)
        return 1;
    if (*at < 0xc2 || *at > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) || (*at == 0xf0 && at[1] < 0x90) ||
        (*at == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

static bool pass_escape(struct reader *r)
{
    uint32_t character;
    const char *at = r->at + 2;

    if (r->end - r->at < 2 || !strchr("\"\\/bfnrtu", r->at[1]) || !r->at[1])
        return fault(r, "no such escape");
    if (r->at[1] == 'u' && !read_escaped(&at, r->end, &character))
        return fault(r, "no such character");
    r->at = at;
    return true;
}

/* From its quote to behind the other one. */
static bool pass_string(struct reader *r)
{
    r->at++;
    while (r->at < r->end && *r->at != '"') {
        size_t length = utf8_length(r->at, r->end);

        if (*r->at == '\\') {
            if (!pass_escape(r))
                return false;
            continue;
        }
        if ((unsigned char)*r->at < 0x20)
            return fault(r, "a control character in a text");
        if (!length)
            return fault(r, "not UTF-8");
        r->at += length;
    }
    if (r->at == r->end)
        return fault(r, "a text does not end");
    r->at++;
    return true;
}

/* ---- the other values ---- */

static bool pass_digits(struct reader *r)
{
    const char *begin = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > begin ? true : fault(r, "a digit is missing");
}

static bool is_here(const struct reader *r, const char *set)
{
    return r->at < r->end && *r->at && strchr(set, *r->at);
}

static bool pass_number(struct reader *r)
{
    r->at += is_here(r, "-");
    if (is_here(r, "0"))
        r->at++;
    else if (!pass_digits(r))
        return false;
    if (is_here(r, ".")) {
        r->at++;
        if (!pass_digits(r))
            return false;
    }
    if (!is_here(r, "eE"))
        return true;
    r->at++;
    r->at += is_here(r, "+-");
    return pass_digits(r);
}

static bool pass_word(struct reader *r)
{
    static const char *const words[] = { "true", "false", "null" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);

        if ((size_t)(r->end - r->at) < length || memcmp(r->at, words[i], length) != 0)
            continue;
        r->at += length;
        return true;
    }
    return fault(r, "no value");
}

static bool pass_value(struct reader *r);

/* A member's key and colon. */
static bool pass_key(struct reader *r)
{
    if (peek(r) != '"')
        return fault(r, "a key is missing");
    if (!pass_string(r))
        return false;
    if (peek(r) != ':')
        return fault(r, "a colon is missing");
    r->at++;
    return true;
}

/* An array or object. */
static bool pass_items(struct reader *r, char close)
{
    if (r->depth++ == JSON_VIEW_DEPTH)
        return fault(r, "nested too deep");
    r->at++;
    if (peek(r) != close) {
        for (;;) {
            if ((close == '}' && !pass_key(r)) || !pass_value(r))
                return false;
            if (peek(r) != ',')
                break;
            r->at++;
        }
        if (peek(r) != close)
            return fault(r, "a comma, or the end, is missing");
    }
    r->at++;
    r->depth--;
    return true;
}

static bool pass_value(struct reader *r)
{
    switch (peek(r)) {
    case '{':
        return pass_items(r, '}');
    case '[':
        return pass_items(r, ']');
    case '"':
        return pass_string(r);
    case '-':
    case '0' ... '9':
        return pass_number(r);
    default:
        return pass_word(r);
    }
}

int json_view_open(const char *text, size_t length, struct json_view *out, struct reason *why)
{
    struct reader r = { .at = text, .end = text + length };
    char first = peek(&r);

    *out = (struct json_view){ .at = r.at };
    if (first != '{' && first != '[')
        (void)fault(&r, "neither an object nor an array");
    else if (pass_value(&r)) {
        out->end = r.at;
        if (peek(&r) || r.at < r.end)
            (void)fault(&r, "something stands behind its end");
    }
    if (!r.wrong)
        return 0;
    *out = (struct json_view){ NULL, NULL };
    return refuse(why, WISP_E_FORMAT, "not valid JSON, %s (byte %zu)", r.wrong, (size_t)(r.at - text));
}

/* ---- walking over what is known to be JSON ---- */

static const char *behind_string(const char *at)
{
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

static const char *behind_value(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = behind_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (!depth) /* of what the value is in */
                break;
            depth--;
            at++;
        } else if (!depth && (*at == ',' || *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
            break;
        } else {
            at++;
            continue;
        }
        if (!depth)
            break;
    }
    return at;
}

static bool begins(struct json_view value, char first)
{
    return value.at && *value.at == first;
}

/* From behind a value or an opening bracket to the next value or key; false at the end. */
static bool step(const char **at, const char *end)
{
    *at = skip_blanks(*at, end);
    if (**at == ',')
        *at = skip_blanks(*at + 1, end);
    return **at != ']' && **at != '}';
}

bool json_view_next(struct json_view array, struct json_view *item)
{
    const char *at;

    if (!begins(array, '['))
        return false;
    at = item->at ? item->end : array.at + 1;
    if (!step(&at, array.end))
        return false;
    *item = (struct json_view){ at, behind_value(at, array.end) };
    return true;
}

size_t json_view_count(struct json_view array)
{
    struct json_view item = { NULL, NULL };
    size_t count = 0;

    while (json_view_next(array, &item))
        count++;
    return count;
}

/* ---- what a string says ---- */

static size_t utf8_put(uint32_t character, char out[4])
{
    static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

    for (size_t i = length; --i;) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(marks[length == 1 ? 0 : length] | character);
    return length;
}

/* The next byte or escaped character of a string, as UTF-8; *at is moved behind it. */
static size_t take(const char **at, const char *end, char out[4])
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint32_t character = 0;

    if (**at != '\\') {
        out[0] = *(*at)++;
        return 1;
    }
    *at += 2;
    if ((*at)[-1] != 'u') {
        out[0] = meant[strchr(escapes, (*at)[-1]) - escapes];
        return 1;
    }
    (void)read_escaped(at, end, &character);
    return utf8_put(character, out);
}

static bool says(struct json_view string, const char *text)
{
    const char *at = string.at + 1, *end = string.end - 1;
    char bytes[4];

    while (at < end) {
        size_t length = take(&at, end, bytes);

        if (strncmp(text, bytes, length) != 0)
            return false;
        text += length;
    }
    return !*text;
}

int json_view_string(struct json_view value, char **out)
{
    const char *at, *end;
    char *text;

    if (!begins(value, '"'))
        return WISP_E_FORMAT;
    at = value.at + 1;
    end = value.end - 1;
    *out = text = malloc((size_t)(end - at) + 1); /* no escape is shorter than what it means */
    if (!text)
        return -ENOMEM;
    while (at < end)
        text += take(&at, end, text);
    *text = 0;
    return 0;
}

/* ---- members and numbers ---- */

struct json_view json_view_member(struct json_view object, const char *key)
{
    struct json_view found = { NULL, NULL };
    const char *at;

    if (!begins(object, '{'))
        return found;
    for (at = object.at + 1; step(&at, object.end);) {
        struct json_view name = { at, behind_string(at) }, value;

        at = skip_blanks(skip_blanks(name.end, object.end) + 1, object.end); /* behind the colon */
        value = (struct json_view){ at, behind_value(at, object.end) };
        at = value.end;
        if (!says(name, key))
            continue;
        if (found.at)
            return (struct json_view){ NULL, NULL };
        found = value;
    }
    return found;
}

bool json_view_whole(struct json_view value, uint64_t max, uint64_t *out)
{
    *out = 0;
    if (!value.at)
        return false;
    for (const char *at = value.at; at < value.end; at++) {
        uint64_t digit = (uint64_t)*at - '0';

        if (digit > 9 || __builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, digit, out))
            return false;
    }
    return *out <= max;
}

bool json_view_is_something(struct json_view value)
{
    return value.at && *value.at != 'n';
}
