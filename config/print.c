/* SPDX-License-Identifier: Apache-2.0
 *
 * A struct config as YAML, by the same table that reads it.
 */
#include <string.h>

#include "base/yaml/text.h"
#include "config/schema.h"

static void print_fields(const struct field *fields, const void *base, const struct config *config, unsigned indent,
                         bool started, FILE *out);

static uint64_t number_load(const struct kind *kind, const void *at)
{
    uint64_t value;
    uint32_t narrow;
    bool byte;

    if (kind->width == sizeof value)
        return memcpy(&value, at, sizeof value), value;
    if (kind->width == sizeof narrow)
        return memcpy(&narrow, at, sizeof narrow), narrow;
    return memcpy(&byte, at, sizeof byte), byte;
}

static void print_number(const struct kind *kind, const void *at, FILE *out)
{
    char text[VALUE_TEXT_MAX];
    uint64_t value = number_load(kind, at);

    if (kind->automatic && value == UINT64_MAX) {
        fputs(kind->automatic, out);
        return;
    }
    kind->format(value, text);
    fputs(text, out);
}

static void print_choice(const struct field *field, const void *at, FILE *out)
{
    int value;

    memcpy(&value, at, sizeof value);
    for (const struct choice *choice = field->choices; choice->name; choice++) {
        if (choice->value == value)
            fputs(choice->name, out);
    }
}

static void print_list(const struct field *field, const struct config *config, unsigned indent, FILE *out)
{
    const struct list *list = field->kind->list;
    const char *items;
    size_t count;

    memcpy(&items, (const char *)config + field->offset, sizeof items);
    memcpy(&count, (const char *)config + list->count, sizeof count);
    fputs(count ? "\n" : " []\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%*s- ", (int)indent + 2, "");
        print_fields(field->fields, items + i * list->size, config, indent + 4, true, out);
    }
}

static void print_field(const struct field *field, const void *base, const struct config *config, unsigned indent,
                        FILE *out)
{
    const void *at = (const char *)base + field->offset;
    enum form form = field->kind->form;
    const char *text = NULL;

    if (form == FORM_TEXT || form == FORM_WORD)
        memcpy(&text, at, sizeof text);
    fprintf(out, "%s:", field->key);
    if (form == FORM_SECTION) {
        fputc('\n', out);
        print_fields(field->fields, base, config, indent + 2, false, out);
        return;
    }
    if (form == FORM_LIST) {
        print_list(field, config, indent, out);
        return;
    }
    fputc(' ', out);
    if (form == FORM_NUMBER)
        print_number(field->kind, at, out);
    else if (form == FORM_CHOICE)
        print_choice(field, at, out);
    else if (form == FORM_WORD)
        fputs(text, out);
    else if (text)
        text_print_quoted(text, out);
    fputc('\n', out);
}

/* A model's name that the file decides. */
static bool is_absent(const struct field *field, const void *base)
{
    const char *text;

    if (field->kind->form != FORM_TEXT)
        return false;
    memcpy(&text, (const char *)base + field->offset, sizeof text);
    return !text;
}

/* `started`: the first line has its indentation already. */
static void print_fields(const struct field *fields, const void *base, const struct config *config, unsigned indent,
                         bool started, FILE *out)
{
    for (const struct field *field = fields; field->key; field++) {
        if (is_absent(field, base))
            continue;
        if (field != fields || !started)
            fprintf(out, "%*s", (int)indent, "");
        print_field(field, base, config, indent, out);
    }
}

int config_print(const struct config *config, FILE *out)
{
    fputs("# wispd: the effective configuration\n", out);
    print_fields(config_fields, config, config, 0, false, out);
    if (fflush(out) || ferror(out))
        return errno ? -errno : -EIO;
    return 0;
}
