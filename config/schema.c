/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of keys. docs/man/wispd.yaml.5 is its prose; a test compares the two.
 */
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "config/schema.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

static const char *check_path(const char *text)
{
    if (!*text)
        return "the path is empty";
    return strlen(text) >= PATH_MAX ? "the path is too long" : NULL;
}

static const char *check_socket(const char *text)
{
    if (*text != '/')
        return "the path of a socket begins with '/'";
    return strlen(text) > CONFIG_SOCKET_MAX ? "the path of a socket has at most 107 bytes" : NULL;
}

static const char *check_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

    if (!*text || text[strspn(text, allowed)] || *text == '.' || *text == '-')
        return "a name is letters, digits, '_', '.' and '-', and begins with a letter, digit or '_'";
    return strlen(text) > CONFIG_NAME_MAX ? "a name has at most 127 bytes" : NULL;
}

static const struct kind kind_count = { .form = FORM_NUMBER,
                                        .what = "a whole number",
                                        .width = 4,
                                        .plain = true,
                                        .parse = value_parse_count,
                                        .format = value_format_count };
static const struct kind kind_size = { .form = FORM_NUMBER,
                                       .what = "a size such as 64KiB, 4MiB or 1GiB",
                                       .width = 8,
                                       .parse = value_parse_size,
                                       .format = value_format_size };
static const struct kind kind_duration = { .form = FORM_NUMBER,
                                           .what = "a duration such as 50us, 2ms or 1s",
                                           .width = 8,
                                           .parse = value_parse_duration,
                                           .format = value_format_duration };
static const struct kind kind_chosen = { .form = FORM_NUMBER,
                                         .what = "auto or a duration such as 50us",
                                         .width = 8,
                                         .parse = value_parse_duration,
                                         .format = value_format_duration,
                                         .automatic = "auto" };
static const struct kind kind_percent = { .form = FORM_NUMBER,
                                          .what = "a percentage such as 50%",
                                          .width = 4,
                                          .parse = value_parse_percent,
                                          .format = value_format_percent };
static const struct kind kind_mode = { .form = FORM_NUMBER,
                                       .what = "an octal mode such as \"0660\"",
                                       .width = 4,
                                       .parse = value_parse_mode,
                                       .format = value_format_mode };
static const struct kind kind_switch = { .form = FORM_NUMBER,
                                         .what = "true or false",
                                         .width = 1,
                                         .plain = true,
                                         .parse = value_parse_switch,
                                         .format = value_format_switch };
static const struct kind kind_choice = { .form = FORM_CHOICE, .what = "a word" };
static const struct kind kind_word = { .form = FORM_WORD, .what = "a word" };
static const struct kind kind_socket = { .form = FORM_TEXT, .what = "a path", .check = check_socket };
static const struct kind kind_path = { .form = FORM_TEXT, .what = "a path", .check = check_path, .in_folder = true };
static const struct kind kind_name = { .form = FORM_TEXT, .what = "a name", .check = check_name };
static const struct kind kind_section = { .form = FORM_SECTION, .what = "a section of keys" };

static const char *check_user(const char *text)
{
    return !*text || strlen(text) > CONFIG_NAME_MAX ? "a user is a name of the system, or a number" : NULL;
}

static const struct kind kind_user = {
    .form = FORM_TEXT, .what = "a user's name or number", .check = check_user, .numbers = true
};

static void model_init(void *model)
{
    config_model_init(model);
}

static void user_init(void *user)
{
    config_user_init(user);
}

static const struct list list_of_models = { .item = "a section with the model's path",
                                            .count = offsetof(struct config, model_count),
                                            .line = offsetof(struct config_model, line),
                                            .size = sizeof(struct config_model),
                                            .max = CONFIG_MODELS_MAX,
                                            .init = model_init,
                                            .check = twins_of_models };
static const struct list list_of_users = { .item = "a section with the user's name",
                                           .count = offsetof(struct config, user_count),
                                           .line = offsetof(struct config_user, line),
                                           .size = sizeof(struct config_user),
                                           .max = CONFIG_USERS_MAX,
                                           .init = user_init,
                                           .check = twins_of_users };
static const struct kind kind_models = { .form = FORM_LIST, .what = "a list of models", .list = &list_of_models };
static const struct kind kind_users = { .form = FORM_LIST, .what = "a list of users", .list = &list_of_users };

static const struct choice levels[] = { { "error", LOG_LEVEL_ERROR },   { "warning", LOG_LEVEL_WARNING },
                                        { "notice", LOG_LEVEL_NOTICE }, { "info", LOG_LEVEL_INFO },
                                        { "debug", LOG_LEVEL_DEBUG },   { NULL, 0 } };
static const struct choice loops[] = {
    { "auto", CONFIG_LOOP_AUTO }, { "io_uring", CONFIG_LOOP_URING }, { "epoll", CONFIG_LOOP_EPOLL }, { NULL, 0 }
};
static const struct choice kernels[] = {
    { "auto", 0 },
#define KERNELS(name) { #name, 0 },
#include "sparse/kernels/tables.inc"
#undef KERNELS
    { NULL, 0 },
};

_Static_assert(sizeof(enum log_level) == sizeof(int) && sizeof(enum config_loop) == sizeof(int),
               "a choice is stored as an int");
_Static_assert(sizeof(bool) == 1, "a switch is stored as a byte");

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct field log_fields[] = {
    { "level", &kind_choice, AT(config, log_level), .choices = levels, .live = true },
    { "slow", &kind_duration, AT(config, log_slow_ns), 0, 3600 * NS_PER_S, .live = true },
    { .key = NULL },
};

static const struct field limit_fields[] = {
    { "channels", &kind_count, AT(config, limits.channels), 1, 16384 },
    { "channels_per_user", &kind_count, AT(config, limits.channels_per_user), 1, 16384 },
    { "memory_per_user", &kind_size, AT(config, limits.memory_per_user), 1 * MIB, 1024 * GIB },
    { "entries", &kind_count, AT(config, limits.entries), 4, 4096, .power = true },
    { "arena", &kind_size, AT(config, limits.arena), 64 * KIB, 1 * GIB },
    { "rows", &kind_count, AT(config, limits.rows), 1, 65536 },
    { "time_per_user", &kind_percent, AT(config, limits.time_per_user), 1, 100, .live = true },
    { "under_way_per_user", &kind_count, AT(config, limits.under_way_per_user), 1, 65536, .live = true },
    { .key = NULL },
};

static const struct field user_fields[] = {
    { "user", &kind_user, AT(config_user, user), .needed = true },
    { "weight", &kind_count, AT(config_user, weight), 1, 10000 },
    { "time", &kind_percent, AT(config_user, time), 1, 100 },
    { "under_way", &kind_count, AT(config_user, under_way), 1, 65536 },
    { .key = NULL },
};

static const struct field batch_fields[] = {
    { "max", &kind_count, AT(config_model, batch_max), 1, 65536 },
    { "wait", &kind_duration, AT(config_model, wait_ns), 0, NS_PER_S },
    { "time", &kind_duration, AT(config_model, time_ns), NS_PER_US, 10 * NS_PER_S },
    { .key = NULL },
};

static const struct field model_fields[] = {
    { "path", &kind_path, AT(config_model, path), .needed = true },
    { "name", &kind_name, AT(config_model, name) },
    { "default", &kind_switch, AT(config_model, preferred), 0, 1 },
    { "batch", &kind_section, .fields = batch_fields },
    { "slow", &kind_chosen, AT(config_model, slow_ns), 0, 3600 * NS_PER_S },
    { .key = NULL },
};

const struct field config_fields[] = {
    { "socket", &kind_socket, AT(config, socket) },
    { "socket_mode", &kind_mode, AT(config, socket_mode), 0, 0777 },
    { "log", &kind_section, .fields = log_fields },
    { "kernels", &kind_word, AT(config, kernels), .choices = kernels, .live = true },
    { "cache", &kind_switch, AT(config, cache), 0, 1, .live = true },
    { "tune", &kind_switch, AT(config, tune), 0, 1, .live = true },
    { "rollback", &kind_switch, AT(config, rollback), 0, 1, .live = true },
    { "loop", &kind_choice, AT(config, loop), .choices = loops },
    { "shards", &kind_count, AT(config, shards), 1, CONFIG_SHARDS_MAX },
    { "threads", &kind_count, AT(config, threads), 1, CONFIG_THREADS_MAX },
    { "pin", &kind_switch, AT(config, pin), 0, 1 },
    { "spin", &kind_chosen, AT(config, spin_ns), 0, 100 * NS_PER_MS },
    { "limits", &kind_section, .fields = limit_fields },
    { "users", &kind_users, AT(config, users), .fields = user_fields, .live = true },
    { "models", &kind_models, AT(config, models), .fields = model_fields, .live = true },
    { .key = NULL },
};

bool config_find_loop(const char *name, enum config_loop *out)
{
    for (const struct choice *choice = loops; choice->name; choice++) {
        if (!strcmp(choice->name, name)) {
            *out = (enum config_loop)choice->value;
            return true;
        }
    }
    return false;
}
