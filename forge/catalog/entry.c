/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/documents/document.h"
#include "sparse/layers/layer.h"

/* Stands before the kinds of what has tensors that are not trained with; no kind is called so. */
static const char several[] = "several";

/* Each kind of layer once, the last layer's last. */
static void list_kinds(const struct structure *structure, char *out, size_t size)
{
    const struct layer_kind *last = structure->layers[structure->layer_count - 1].kind, *kind;
    bool there[64] = { false };
    size_t used = structure_support(structure).several ? (size_t)snprintf(out, size, "%s ", several) : 0;

    for (uint32_t i = 0; i < structure->layer_count; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(there) && layer_kind_at(k); k++)
            there[k] |= layer_kind_at(k) == structure->layers[i].kind;
    }
    for (size_t k = 0; k < ARRAY_SIZE(there) && (kind = layer_kind_at(k)) && used < size; k++) {
        if (there[k] && kind != last)
            used += (size_t)snprintf(out + used, size - used, "%s ", kind->name);
    }
    if (used < size)
        snprintf(out + used, size - used, "%s", last->name);
}

struct structure_support catalog_support(const struct store_structure *entry)
{
    struct structure_support all = { .serves = *entry->kinds, .trains = *entry->kinds };
    const char *last = strrchr(entry->kinds, ' ');
    char kinds[STORE_KINDS_MAX], *rest = NULL;

    last = last ? last + 1 : entry->kinds;
    snprintf(kinds, sizeof kinds, "%s", entry->kinds);
    for (char *kind = strtok_r(kinds, " ", &rest); kind; kind = strtok_r(NULL, " ", &rest)) {
        /* As good as all layers are, each with the last one, whose place matters too. */
        struct structure_layer pair[] = { { .kind = layer_kind_find(kind) }, { .kind = layer_kind_find(last) } };
        struct structure_support support = { .serves = false };

        if (!strcmp(kind, several)) {
            all.several = true;
            continue;
        }
        if (pair[0].kind && pair[1].kind)
            support = structure_support(&(struct structure){ .layers = pair, .layer_count = 2 });
        all.serves &= support.serves;
        all.trains &= support.trains;
    }
    all.trains &= !all.several;
    return all;
}

int catalog_entry(const struct structure *structure, struct store_structure *out, struct reason *why)
{
    char *text;
    int result = document_canonical(structure, &text, why);

    *out = (struct store_structure){ .document = NULL };
    if (result)
        return result;
    *out = (struct store_structure){ .depth = structure_depth(structure),
                                     .layers = structure->layer_count,
                                     .potential = structure_potential(structure),
                                     .document = text };
    structure_hash(structure, out->hash);
    snprintf(out->name, sizeof out->name, "%s", structure->name);
    snprintf(out->processing, sizeof out->processing, "%s", structure->processing);
    snprintf(out->network, sizeof out->network, "%s", structure->network);
    list_kinds(structure, out->kinds, sizeof out->kinds);
    if (strlen(out->document) > STORE_DOCUMENT_MAX) {
        store_structure_deinit(out);
        return refuse(why, WISP_E_FORMAT, "%s: its document is larger than %d bytes", structure->name,
                      STORE_DOCUMENT_MAX);
    }
    return 0;
}
