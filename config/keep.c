/* SPDX-License-Identifier: Apache-2.0
 *
 * What a configuration that is read again cannot change: a walk over the table that reads it.
 */
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

struct keeping {
    FILE *kept;
    int error; /* -ENOMEM */
};

static bool is_text(const struct field *field)
{
    return field->kind->form == FORM_TEXT || field->kind->form == FORM_WORD;
}

static size_t width_of(const struct field *field)
{
    return field->kind->form == FORM_NUMBER ? field->kind->width : sizeof(int);
}

static bool keep_text(struct keeping *keeping, void *at, const void *running)
{
    char *text, *other, *copy;

    memcpy(&text, at, sizeof text);
    memcpy(&other, running, sizeof other);
    if (!strcmp(text, other))
        return false;
    copy = strdup(other);
    if (!copy) {
        keeping->error = -ENOMEM;
        return false;
    }
    free(text);
    memcpy(at, &copy, sizeof copy);
    return true;
}

static bool keep_bytes(void *at, const void *running, size_t width)
{
    if (!memcmp(at, running, width))
        return false;
    memcpy(at, running, width);
    return true;
}

/* Both structs have the section's fields at the same places. */
static void keep_fields(struct keeping *keeping, const struct field *fields, const char *section, void *fresh,
                        const void *running)
{
    for (const struct field *field = fields; field->key; field++) {
        void *at = (char *)fresh + field->offset;
        const void *other = (const char *)running + field->offset;
        bool differs;

        if (field->kind->form == FORM_SECTION)
            keep_fields(keeping, field->fields, field->key, fresh, running);
        if (field->live || field->kind->form == FORM_SECTION)
            continue;
        differs = is_text(field) ? keep_text(keeping, at, other) : keep_bytes(at, other, width_of(field));
        if (differs && keeping->kept)
            fprintf(keeping->kept, "%s%s%s\n", section, *section ? "." : "", field->key);
    }
}

int config_keep(struct config *config, const struct config *running, FILE *kept)
{
    struct keeping keeping = { .kept = kept };

    keep_fields(&keeping, config_fields, "", config, running);
    return keeping.error;
}
