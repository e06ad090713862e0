/* SPDX-License-Identifier: Apache-2.0
 *
 * Items of a list that could not be told apart.
 */
#include <string.h>

#include "config/schema.h"

/* Two models under one name could not be told apart; nor could one file twice without names. */
void twins_of_models(const struct config *config, const struct node *list, struct findings *findings)
{
    const struct config_model *models = config->models;
    size_t i = 0;

    for (const struct node *node = list->first; node; node = node->next, i++) {
        const struct config_model *model = models + i;

        for (size_t j = 0; j < i; j++) {
            if (model->name && models[j].name && !strcmp(model->name, models[j].name)) {
                findings_add(findings, node->mark, "models[%zu]: a second model named '%.40s'; the first is at line %u",
                             i, model->name, models[j].line);
                break;
            }
            if (!model->name && !models[j].name && model->path && models[j].path &&
                !strcmp(model->path, models[j].path)) {
                findings_add(findings, node->mark,
                             "models[%zu]: the file of line %u again: give each a name of its own", i, models[j].line);
                break;
            }
        }
    }
}

void twins_of_users(const struct config *config, const struct node *list, struct findings *findings)
{
    const struct config_user *users = config->users;
    size_t i = 0;

    for (const struct node *node = list->first; node; node = node->next, i++) {
        for (size_t j = 0; users[i].user && j < i; j++) {
            if (!users[j].user || strcmp(users[i].user, users[j].user) != 0)
                continue;
            findings_add(findings, node->mark, "users[%zu]: '%.40s' again; the first is at line %u", i, users[i].user,
                         users[j].line);
            break;
        }
    }
}
