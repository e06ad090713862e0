/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "base/options.h"
#include "forge/catalog/documents/document_read.h"
#include "sparse/graph/model.h"

enum { KEYS_MAX = 64 };

const struct node *node_child(const struct node *section, const char *key)
{
    for (const struct node *child = section->first; child; child = child->next) {
        if (child->key && !strcmp(child->key, key))
            return child;
    }
    return NULL;
}

void check_keys(const struct node *section, struct findings *findings)
{
    unsigned count = 0;

    for (const struct node *child = section->first; child; child = child->next) {
        const struct node *first;

        if (++count > KEYS_MAX) {
            findings_add(findings, child->key_mark, "more than %d keys in one section", KEYS_MAX);
            return;
        }
        if (child->key && (first = node_child(section, child->key)) != child)
            findings_add(findings, child->key_mark, "\"%s\" is given twice; the first is at line %u", child->key,
                         first->key_mark.line);
    }
}

bool read_real(const struct node *node, double *out)
{
    const char *text = node->text;

    return node->kind == NODE_TEXT && node->plain && isdigit((unsigned char)text[0]) &&
           !(text[0] == '0' && isdigit((unsigned char)text[1])) && parse_real(text, out);
}

const char *read_word(const struct node *node, const char *what, size_t size, struct findings *findings)
{
    struct reason why;

    if (node->kind != NODE_TEXT || node_is_empty(node))
        findings_add(findings, node->mark, "\"%s\" takes a word", node->key);
    else if (name_check(what, node->text, size, &why))
        findings_add(findings, node->mark, "%s", why.text);
    else
        return node->text;
    return NULL;
}
