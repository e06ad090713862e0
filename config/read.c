/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree against the table. A walk never stops at what is wrong: it notes it and goes on, so that one run names every
 * fault. Only a lack of memory ends it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/suggest.h"
#include "config/schema.h"

enum { PATH_TEXT_MAX = 96, SHOWN_MAX = 48, KEYS_MAX = 16, CHOICES_MAX = 16 };

struct walk {
    struct findings *findings;
    const char *folder;
    struct config *config;
    int error; /* -ENOMEM */
};

/* Where the walk is: "models[2].batch.max". */
struct place {
    char text[PATH_TEXT_MAX];
};

static void read_section(struct walk *walk, const struct field *fields, const char *place, const struct node *node,
                         void *base);

static void place_key(struct place *place, const char *parent, const char *key)
{
    snprintf(place->text, sizeof place->text, "%s%s%s", parent, *parent ? "." : "", key);
}

/* A text from the file as a message shows it: quoted, and cut between characters when it is long. */
static const char *shown(const char *text, char out[SHOWN_MAX])
{
    size_t length = strlen(text), max = SHOWN_MAX - 8;

    if (length > max) {
        length = max;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
        snprintf(out, SHOWN_MAX, "'%.*s'...", (int)length, text);
    } else {
        snprintf(out, SHOWN_MAX, "'%s'", text);
    }
    return out;
}

static void expected(struct walk *walk, const char *place, const struct node *node, const char *what)
{
    char quoted[SHOWN_MAX];
    const char *got = node->kind == NODE_LIST      ? "a list"
                      : node->kind == NODE_SECTION ? "a section"
                      : node_is_empty(node)        ? "nothing"
                                                   : shown(node->text, quoted);

    findings_add(walk->findings, node->mark, "%s: expected %s, got %s", *place ? place : "the file", what, got);
}

static bool is_text(struct walk *walk, const char *place, const struct node *node, const char *what)
{
    if (node->kind == NODE_TEXT && !node_is_empty(node))
        return true;
    expected(walk, place, node, what);
    return false;
}

static void number_store(const struct kind *kind, void *at, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    bool byte = value;

    if (kind->width == sizeof value)
        memcpy(at, &value, sizeof value);
    else if (kind->width == sizeof narrow)
        memcpy(at, &narrow, sizeof narrow);
    else
        memcpy(at, &byte, sizeof byte);
}

static void read_number(struct walk *walk, const struct field *field, const char *place, const struct node *node,
                        void *at)
{
    const struct kind *kind = field->kind;
    char min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX], quoted[SHOWN_MAX];
    uint64_t value;

    if (!is_text(walk, place, node, kind->what))
        return;
    if (kind->automatic && !strcmp(node->text, kind->automatic)) {
        number_store(kind, at, UINT64_MAX);
        return;
    }
    if (!kind->parse(node->text, &value)) {
        expected(walk, place, node, kind->what);
        return;
    }
    if (kind->plain && !node->plain) {
        findings_add(walk->findings, node->mark, "%s: expected %s, got a text: write %s without quotes", place,
                     kind->what, node->text);
        return;
    }
    if (value < field->min || value > field->max) {
        kind->format(field->min, min);
        kind->format(field->max, max);
        findings_add(walk->findings, node->mark, "%s: %s is out of range, from %s to %s", place,
                     shown(node->text, quoted), min, max);
        return;
    }
    if (field->power && !size_is_power_of_two(value)) {
        findings_add(walk->findings, node->mark, "%s: %s is not a power of two", place, shown(node->text, quoted));
        return;
    }
    number_store(kind, at, value);
}

/* "expected one of a, b, c, got 'x'; did you mean 'b'?" */
static void unknown_choice(struct walk *walk, const char *place, const struct node *node, const struct choice *choices)
{
    const char *names[CHOICES_MAX], *nearest;
    char list[120] = "", quoted[SHOWN_MAX];
    size_t count = 0, used = 0;

    for (; choices[count].name; count++) {
        names[count] = choices[count].name;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", count ? ", " : "", names[count]);
    }
    nearest = suggest(node->text, names, count);
    findings_add(walk->findings, node->mark, "%s: expected one of %s, got %s%s%s%s", place, list,
                 shown(node->text, quoted), nearest ? "; did you mean '" : "", nearest ? nearest : "",
                 nearest ? "'?" : "");
}

static const struct choice *find_choice(struct walk *walk, const struct field *field, const char *place,
                                        const struct node *node)
{
    if (!is_text(walk, place, node, field->kind->what))
        return NULL;
    for (const struct choice *choice = field->choices; choice->name; choice++) {
        if (!strcmp(choice->name, node->text))
            return choice;
    }
    unknown_choice(walk, place, node, field->choices);
    return NULL;
}

/* Puts `prefix` and `text` together in place of the string at `at`. */
static void replace_text(struct walk *walk, char **at, const char *prefix, const char *text)
{
    char *fresh = NULL;

    if (asprintf(&fresh, "%s%s", prefix, text) < 0) {
        walk->error = -ENOMEM;
        return;
    }
    free(*at);
    *at = fresh;
}

/* YAML would read these, without quotes, as something else than a text; so would whoever edits the file. */
static bool looks_like_another_type(const struct node *node)
{
    static const char *const words[] = { "true", "false", "yes", "no", "on", "off" };
    const char *text = node->text;

    if (!node->plain)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcasecmp(text, words[i]))
            return true;
    }
    return !text[strspn(text, "0123456789.+-_")];
}

static void read_text(struct walk *walk, const struct field *field, const char *place, const struct node *node,
                      void *at)
{
    const struct kind *kind = field->kind;
    const char *wrong;
    char quoted[SHOWN_MAX];

    if (!is_text(walk, place, node, kind->what))
        return;
    wrong = kind->check(node->text);
    if (!wrong && !kind->numbers && looks_like_another_type(node))
        wrong = "put it in quotes if it is meant as a text";
    if (wrong)
        findings_add(walk->findings, node->mark, "%s: %s: %s", place, shown(node->text, quoted), wrong);
    else
        replace_text(walk, at, kind->in_folder && *node->text != '/' ? walk->folder : "", node->text);
}

static void read_list(struct walk *walk, const struct field *field, const char *place, const struct node *node)
{
    const struct list *list = field->kind->list;
    char *config = (char *)walk->config, *items;
    size_t count = 0;

    if (node_is_empty(node))
        return;
    if (node->kind != NODE_LIST) {
        expected(walk, place, node, field->kind->what);
        return;
    }
    for (const struct node *item = node->first; item; item = item->next)
        count++;
    if (count > list->max) {
        findings_add(walk->findings, node->mark, "%s: %zu %s, more than %zu", place, count, field->key, list->max);
        return;
    }
    items = calloc(count + 1, list->size);
    if (!items) {
        walk->error = -ENOMEM;
        return;
    }
    memcpy(config + field->offset, &items, sizeof items);
    for (const struct node *item = node->first; item; item = item->next, items += list->size) {
        struct place here;
        size_t at;

        list->init(items);
        memcpy(items + list->line, &item->mark.line, sizeof item->mark.line);
        memcpy(&at, config + list->count, sizeof at);
        snprintf(here.text, sizeof here.text, "%.16s[%zu]", field->key, at++);
        memcpy(config + list->count, &at, sizeof at);
        if (node_is_empty(item))
            expected(walk, here.text, item, list->item);
        else
            read_section(walk, field->fields, here.text, item, items);
    }
    list->check(walk->config, node, walk->findings);
}

static void read_field(struct walk *walk, const struct field *field, const char *place, const struct node *node,
                       void *base)
{
    void *at = (char *)base + field->offset;
    const struct choice *choice;

    if (node->kind == NODE_REFUSED)
        return;
    switch (field->kind->form) {
    case FORM_NUMBER:
        read_number(walk, field, place, node, at);
        break;
    case FORM_CHOICE:
        choice = find_choice(walk, field, place, node);
        if (choice)
            memcpy(at, &choice->value, sizeof choice->value);
        break;
    case FORM_WORD:
        choice = find_choice(walk, field, place, node);
        if (choice)
            replace_text(walk, at, "", choice->name);
        break;
    case FORM_TEXT:
        read_text(walk, field, place, node, at);
        break;
    case FORM_SECTION:
        /* All of its keys commented out leaves an empty value: the defaults. */
        if (!node_is_empty(node))
            read_section(walk, field->fields, place, node, base);
        break;
    case FORM_LIST:
        read_list(walk, field, place, node);
        break;
    }
}

/* The place of the first field called `key` anywhere in the table. */
static bool find_elsewhere(const struct field *fields, const char *parent, const char *key, struct place *out)
{
    for (const struct field *field = fields; field->key; field++) {
        struct place here;

        place_key(&here, parent, field->key);
        if (!strcmp(field->key, key)) {
            *out = here;
            return true;
        }
        if (field->fields && find_elsewhere(field->fields, here.text, key, out))
            return true;
    }
    return false;
}

static void unknown_key(struct walk *walk, const struct field *fields, const char *place, const struct node *node)
{
    const char *keys[KEYS_MAX], *nearest;
    char quoted[SHOWN_MAX];
    struct place other;
    size_t count = 0;

    for (const struct field *field = fields; field->key; field++)
        keys[count++] = field->key;
    nearest = suggest(node->key, keys, count);
    shown(node->key, quoted);
    if (nearest)
        findings_add(walk->findings, node->key_mark, "unknown key %s%s%s; did you mean '%s'?", quoted,
                     *place ? " in " : "", place, nearest);
    else if (find_elsewhere(config_fields, "", node->key, &other))
        findings_add(walk->findings, node->key_mark, "unknown key %s%s%s; it belongs at %s", quoted,
                     *place ? " in " : "", place, other.text);
    else
        findings_add(walk->findings, node->key_mark, "unknown key %s%s%s", quoted, *place ? " in " : "", place);
}

static void read_section(struct walk *walk, const struct field *fields, const char *place, const struct node *node,
                         void *base)
{
    struct mark seen[KEYS_MAX] = { 0 };
    struct place here;

    if (node->kind == NODE_REFUSED)
        return;
    if (node->kind != NODE_SECTION) {
        expected(walk, place, node, "a section of keys");
        return;
    }
    for (const struct node *child = node->first; child; child = child->next) {
        const struct field *field = fields;

        if (!child->key)
            continue;
        while (field->key && strcmp(field->key, child->key) != 0)
            field++;
        place_key(&here, place, child->key);
        if (!field->key) {
            unknown_key(walk, fields, place, child);
        } else if (seen[field - fields].line) {
            findings_add(walk->findings, child->key_mark, "%s: given twice; the first is at line %u", here.text,
                         seen[field - fields].line);
        } else {
            seen[field - fields] = child->key_mark;
            read_field(walk, field, here.text, child, base);
        }
    }
    for (const struct field *field = fields; field->key; field++) {
        if (field->needed && !seen[field - fields].line)
            findings_add(walk->findings, node->mark, "%s: '%s' is missing", place, field->key);
    }
}

int schema_read(const struct node *root, const char *folder, struct config *config, struct findings *findings)
{
    struct walk walk = { .findings = findings, .folder = folder, .config = config };

    if (root && !node_is_empty(root))
        read_section(&walk, config_fields, "", root, config);
    return walk.error;
}
