/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over libyaml's events with an explicit stack of open sections and lists, so that depth and size are bounded
 * before anything is built. A syntax error ends the pass (YAML cannot be resynchronised); everything else is noted and
 * the pass goes on, as far as the sense of what follows does not depend on it.
 */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/cleanup.h"
#include "base/yaml/tree.h"

struct level {
    struct node *node;  /* the open section or list */
    struct node **tail; /* where its next child is linked */
    bool has_key;       /* of a section: the key is read, its value is awaited */
    char *key;          /* NULL when the key was refused */
    struct mark key_mark;
};

struct builder {
    yaml_parser_t parser;
    struct findings *findings;
    const char *text;
    size_t length;
    struct node *root;
    struct level levels[TREE_DEPTH_MAX];
    unsigned depth;
    unsigned nodes;
    unsigned documents;
    bool ended;
    struct tree_list *list; /* NULL: the whole text becomes a tree */
    struct node *streaming; /* the list whose items are visited as they come */
    int visited;            /* what the visitor ended the pass with */
};

struct node *tree_free(struct node *node)
{
    while (node) {
        struct node *next = node->next;

        tree_free(node->first); /* no deeper than TREE_DEPTH_MAX */
        free(node->text);
        free(node->key);
        free(node);
        node = next;
    }
    return NULL;
}

bool node_is_empty(const struct node *node)
{
    return node->kind == NODE_TEXT && node->plain &&
           (!*node->text || !strcmp(node->text, "~") || !strcasecmp(node->text, "null"));
}

static struct mark mark_from(yaml_mark_t mark)
{
    return (struct mark){ (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

/* Where the byte at `offset` stands, for libyaml's reader, which knows only that. */
static struct mark mark_of_byte(const char *text, size_t length, size_t offset)
{
    struct mark mark = { 1, 1 };

    for (size_t i = 0; i < offset && i < length; i++) {
        if (text[i] == '\n')
            mark = (struct mark){ mark.line + 1, 1 };
        else if (((unsigned char)text[i] & 0xc0) != 0x80)
            mark.column++;
    }
    return mark;
}

static bool stands_at_tab(const struct builder *builder, struct mark mark)
{
    const char *at = builder->text, *end = at + builder->length;

    for (unsigned line = 1; line < mark.line && at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        at = newline ? newline + 1 : end;
    }
    /* Before a tab that offends there are only spaces and tabs, or ASCII: bytes serve as characters. */
    return (size_t)(end - at) >= mark.column && at[mark.column - 1] == '\t';
}

/* 1, or -ENOMEM. */
static int note_syntax_error(struct builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    struct mark mark = mark_from(parser->problem_mark);

    switch (parser->error) {
    case YAML_MEMORY_ERROR:
        return -ENOMEM;
    case YAML_READER_ERROR:
        mark = mark_of_byte(builder->text, builder->length, parser->problem_offset);
        findings_add(builder->findings, mark, "not UTF-8 text: %s", parser->problem);
        return 1;
    default:
        if (stands_at_tab(builder, mark))
            findings_add(builder->findings, mark, "not YAML: a tab; indent with spaces");
        else if (parser->context)
            findings_add(builder->findings, mark, "not YAML: %s (%s that began at line %zu)", parser->problem,
                         parser->context, parser->context_mark.line + 1);
        else
            findings_add(builder->findings, mark, "not YAML: %s", parser->problem);
        return 1;
    }
}

/* Refused in every text: they can only deceive whoever reads a log, and paths and names have no use for them. These are
 * also the characters that YAML cannot hold unescaped. */
static bool has_control_character(const unsigned char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char second = i + 1 < length ? text[i + 1] : 0, third = i + 2 < length ? text[i + 2] : 0;

        if (text[i] < 0x20 || text[i] == 0x7f)
            return true;
        if (text[i] == 0xc2 && second < 0xa0) /* U+0080 .. U+009F */
            return true;
        if (text[i] == 0xe2 && second == 0x80 && (third == 0xa8 || third == 0xa9)) /* U+2028, U+2029: line breaks */
            return true;
        if (text[i] == 0xef && ((second == 0xbb && third == 0xbf) || (second == 0xbf && third >= 0xbe)))
            return true; /* U+FEFF: byte order mark; U+FFFE, U+FFFF: not characters */
    }
    return false;
}

static void note_decoration(struct builder *builder, struct mark mark, const yaml_char_t *anchor,
                            const yaml_char_t *tag)
{
    if (anchor)
        findings_add(builder->findings, mark, "anchors are not allowed: write the value where it is needed");
    if (tag)
        findings_add(builder->findings, mark, "tags are not allowed: the key decides the type");
}

/* Links `node`, which it takes over, under the open section or list, or as the root. */
static void attach(struct builder *builder, struct node *node)
{
    struct level *level;

    if (!builder->depth) {
        builder->root = node;
        return;
    }
    level = &builder->levels[builder->depth - 1];
    node->key = steal(&level->key);
    node->key_mark = level->key_mark;
    level->has_key = false;
    *level->tail = node;
    level->tail = &node->next;
}

static void begin_streaming(struct builder *builder, struct node *node)
{
    struct node *root = builder->root;

    if (builder->list && builder->depth == 1 && node->kind == NODE_LIST && node == root->first && node->key &&
        !strcmp(node->key, builder->list->key)) {
        builder->streaming = node;
        builder->list->streamed = true;
    }
}

/* Shows the item that is whole now to the visitor, and forgets it. Here and below, 1: the text is refused as a whole, a
 * finding or `visited` says why, and the pass ends. */
static int end_item(struct builder *builder)
{
    struct node *list = builder->streaming;

    if (!list || builder->depth != 2 || builder->levels[1].node != list || !list->first)
        return 0;
    builder->visited = builder->list->visit(builder->list->argument, list->first);
    list->first = tree_free(list->first);
    builder->levels[1].tail = &list->first;
    builder->nodes = 0;
    return builder->visited != 0;
}

static bool awaits_key(const struct builder *builder)
{
    const struct level *level = builder->levels + builder->depth;

    return builder->depth && level[-1].node->kind == NODE_SECTION && !level[-1].has_key;
}

/* Adds a node, whose text it takes over on success and failure alike. */
static int add_node(struct builder *builder, struct node prototype, struct node **out)
{
    struct node *node = NULL;

    if (++builder->nodes > TREE_NODES_MAX)
        findings_add(builder->findings, prototype.mark, "more than %d values", TREE_NODES_MAX);
    else
        node = malloc(sizeof *node);
    if (!node) {
        free(prototype.text);
        return builder->nodes > TREE_NODES_MAX ? 1 : -ENOMEM;
    }
    *node = prototype;
    attach(builder, node);
    if (out)
        *out = node;
    return 0;
}

static int on_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct mark mark = mark_from(event->start_mark);
    const yaml_char_t *value = event->data.scalar.value;
    size_t length = event->data.scalar.length;
    bool refused = has_control_character(value, length);
    char *text = NULL;

    note_decoration(builder, mark, event->data.scalar.anchor, event->data.scalar.tag);
    if (refused)
        findings_add(builder->findings, mark, "a control character or line break inside a value");
    else
        text = strdup((const char *)value);
    if (!refused && !text)
        return -ENOMEM;
    if (awaits_key(builder)) {
        struct level *level = builder->levels + builder->depth - 1;

        level->has_key = true;
        level->key = text;
        level->key_mark = mark;
        return 0;
    }
    return add_node(builder,
                    (struct node){ .kind = refused ? NODE_REFUSED : NODE_TEXT,
                                   .mark = mark,
                                   .plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
                                   .text = text },
                    NULL);
}

static int on_alias(struct builder *builder, const yaml_event_t *event)
{
    struct mark mark = mark_from(event->start_mark);

    findings_add(builder->findings, mark, "aliases are not allowed: write the value out");
    if (awaits_key(builder))
        return 1;
    return add_node(builder, (struct node){ .kind = NODE_REFUSED, .mark = mark }, NULL);
}

static int on_open(struct builder *builder, enum node_kind kind, struct mark mark)
{
    struct node *node = NULL;
    int result;

    if (awaits_key(builder)) {
        findings_add(builder->findings, mark, "a key must be a word");
        return 1;
    }
    if (builder->depth == TREE_DEPTH_MAX) {
        findings_add(builder->findings, mark, "nested deeper than %d levels", TREE_DEPTH_MAX);
        return 1;
    }
    result = add_node(builder, (struct node){ .kind = kind, .mark = mark }, &node);
    if (result)
        return result;
    begin_streaming(builder, node);
    builder->levels[builder->depth++] = (struct level){ .node = node, .tail = &node->first };
    return 0;
}

static int on_document(struct builder *builder, const yaml_event_t *event)
{
    struct mark mark = mark_from(event->start_mark);

    if (builder->documents++) {
        findings_add(builder->findings, mark, "a second document: there is to be one");
        return 1;
    }
    if (event->data.document_start.version_directive ||
        event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
        findings_add(builder->findings, mark, "directives (%%YAML, %%TAG) are not allowed");
    return 0;
}

static int on_event(struct builder *builder, const yaml_event_t *event)
{
    struct mark mark = mark_from(event->start_mark);
    int result;

    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(builder, event);
    case YAML_ALIAS_EVENT:
        result = on_alias(builder, event);
        return result ? result : end_item(builder);
    case YAML_SCALAR_EVENT:
        result = on_scalar(builder, event);
        return result ? result : end_item(builder);
    case YAML_SEQUENCE_START_EVENT:
        note_decoration(builder, mark, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return on_open(builder, NODE_LIST, mark);
    case YAML_MAPPING_START_EVENT:
        note_decoration(builder, mark, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return on_open(builder, NODE_SECTION, mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        return end_item(builder);
    case YAML_STREAM_END_EVENT:
        builder->ended = true;
        return 0;
    default:
        return 0;
    }
}

static int build(struct builder *builder)
{
    int result = 0;

    while (!result && !builder->ended) {
        yaml_event_t event;

        if (!yaml_parser_parse(&builder->parser, &event)) {
            result = note_syntax_error(builder);
            break;
        }
        result = on_event(builder, &event);
        yaml_event_delete(&event);
    }
    for (unsigned i = 0; i < TREE_DEPTH_MAX; i++)
        free(builder->levels[i].key);
    return result;
}

int tree_parse_list(const char *text, size_t length, struct tree_list *list, struct node **root,
                    struct findings *findings)
{
    struct builder builder = { .findings = findings, .text = text, .length = length, .list = list };
    int result;

    *root = NULL;
    if (!yaml_parser_initialize(&builder.parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, length);
    result = build(&builder);
    yaml_parser_delete(&builder.parser);
    if (result)
        builder.root = tree_free(builder.root);
    *root = builder.root;
    return builder.visited ? builder.visited : result < 0 ? result : 0;
}

int tree_parse(const char *text, size_t length, struct node **root, struct findings *findings)
{
    return tree_parse_list(text, length, NULL, root, findings);
}
