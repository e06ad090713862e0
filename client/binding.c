/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/insist.h"
#include "client/binding.h"
#include "client/last_error.h"

struct binding *binding_find(const struct wisp_client *client, const char *name, const char *identity)
{
    for (struct binding *binding = client->bindings; binding; binding = binding->next) {
        if (!strcmp(binding->identity, identity) && !strcmp(binding->name, name))
            return binding;
    }
    return NULL;
}

static struct binding *add(struct wisp_client *client, const char *name, const char *identity)
{
    struct binding *binding = calloc(1, sizeof *binding);

    insist(strlen(name) < sizeof binding->name && strlen(identity) < sizeof binding->identity, "%s", name);
    if (!binding)
        return NULL;
    memcpy(binding->name, name, strnlen(name, sizeof binding->name - 1));
    memcpy(binding->identity, identity, strnlen(identity, sizeof binding->identity - 1));
    binding->next = client->bindings;
    client->bindings = binding;
    return binding;
}

int binding_explain(const struct binding *binding, int status)
{
    switch (status) {
    case WISP_E_NO_MODEL:
        return last_error_set(status, "wispd no longer serves %s", binding->name);
    case WISP_E_CHANGED:
        return last_error_set(status, "wispd now serves another model as %s than the one that was found: find it anew",
                              binding->name);
    default:
        return last_error_set(status, "%s: %s", binding->name, wisp_status_text(status));
    }
}

int binding_note(struct wisp_client *client, const char *name, const struct description *description,
                 const struct reply *reply, struct binding **out)
{
    struct binding *binding = NULL;
    int result = 0;

    pthread_mutex_lock(&client->lock);
    if (client->up && reply->serial == client->session->serial) {
        binding = binding_find(client, name, description->identity);
        if (!binding)
            binding = add(client, name, description->identity);
        if (binding) {
            binding->route = reply->route;
            binding->serial = reply->serial;
            binding->rows_max = description->rows_max;
            binding->status = 0;
        } else {
            result = -ENOMEM;
        }
    }
    pthread_mutex_unlock(&client->lock);
    *out = binding;
    return result ? refuse_errno(last_error(), result, "using %s", name) : 0;
}

/* ---- a new daemon ---- */

/* All bindings of a name, by one reply, which says which model is served now. */
static void settle(struct wisp_client *client, const char *name, const struct description *now,
                   const struct reply *reply)
{
    pthread_mutex_lock(&client->lock);
    insist(!client->up && client->reaper); /* the session is not in use yet */
    for (struct binding *binding = client->bindings; binding; binding = binding->next) {
        if (strcmp(binding->name, name) != 0)
            continue;
        binding->route = reply->route;
        binding->serial = client->serials + 1; /* which client_adopt() will give it */
        binding->rows_max = now->rows_max;
        binding->status = reply->status                                   ? reply->status
                          : strcmp(binding->identity, now->identity) == 0 ? 0
                                                                          : WISP_E_CHANGED;
    }
    pthread_mutex_unlock(&client->lock);
}

/* That it has no such model is the binding's affair; every other failure is the session's. */
static int renew(struct wisp_client *client, const char *name, struct session *session, struct question *question,
                 struct reason *why)
{
    struct description now = { .rows_max = WIRE_ROWS_MAX };
    struct reply reply;
    int result;

    question->id++;
    question->body = name;
    question->length = strlen(name) + 1;
    result = session_ask(session, question, &reply, why);

    if (!result && reply.status && reply.status != WISP_E_NO_MODEL)
        result = refuse(why, reply.status, "%s", reply.text);
    if (!result && !reply.status)
        result = description_read(reply.text, &now, why);
    if (!result)
        settle(client, name, &now, &reply);
    reply_deinit(&reply);
    return result ? refuse_in(why, result, "asking the new wispd about %s", name) : 0;
}

int bindings_renew(struct wisp_client *client, struct session *session, uint64_t until_ns, struct reason *why)
{
    struct question question = { .type = WIRE_DESCRIBE, .deadline_ns = until_ns };
    struct binding *first;

    pthread_mutex_lock(&client->lock);
    insist(!client->up && client->reaper);
    first = client->bindings; /* none is added while there is no session */
    for (struct binding *binding = first; binding; binding = binding->next)
        binding->serial = 0;
    pthread_mutex_unlock(&client->lock);
    for (struct binding *binding = first; binding; binding = binding->next) {
        int result = 0;

        if (!binding->serial) /* not settled with another one of its name yet */
            result = renew(client, binding->name, session, &question, why);
        if (result)
            return result;
    }
    return 0;
}

void bindings_free(struct wisp_client *client)
{
    while (client->bindings) {
        struct binding *binding = client->bindings;

        client->bindings = binding->next;
        free(binding);
    }
}
