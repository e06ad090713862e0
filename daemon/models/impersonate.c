/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/models/impersonate.h"

const struct hidden_folder hidden_folder[] = {
    { "/home", "ProtectHome=yes" }, { "/root", "ProtectHome=yes" },   { "/run/user", "ProtectHome=yes" },
    { "/tmp", "PrivateTmp=yes" },   { "/var/tmp", "PrivateTmp=yes" }, { NULL, NULL },
};

/* ---- the user ---- */

static int become(const struct passwd *user, struct reason *why)
{
    uid_t real, effective, saved;

    if (initgroups(user->pw_name, user->pw_gid) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
        return refuse_errno(why, -errno, "becoming user %s", user->pw_name);
    if (getresuid(&real, &effective, &saved) || real != user->pw_uid || effective != user->pw_uid ||
        saved != user->pw_uid)
        return refuse(why, -EPERM, "becoming user %s: privileges are left", user->pw_name);
    return 0;
}

int impersonate_begin(struct impersonation *impersonation, const char *user, struct reason *why)
{
    const char *name = user ? user : SERVICE_USER;
    const struct passwd *entry;

    *impersonation = (struct impersonation){ .user = NULL };
    if (!user && geteuid())
        return 0;
    errno = 0;
    entry = getpwnam(name);
    if (!entry && !user)
        return 0; /* no service is installed here */
    if (!entry)
        return refuse(why, WISP_E_DENIED, "there is no user %s", name);
    if (entry->pw_uid != geteuid() || entry->pw_uid != getuid()) {
        int result =
            geteuid() ? refuse(why, WISP_E_DENIED, "only root can check as user %s", name) : become(entry, why);

        if (result)
            return result;
    }
    *impersonation = (struct impersonation){ .user = name, .sandbox = !user };
    return 0;
}

/* ---- the sandbox ---- */

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

unsigned impersonate_hidden(const struct config *config)
{
    unsigned found = 0;

    for (size_t i = 0; i < config->model_count; i++) {
        cleanup_free char *real = realpath(config->models[i].path, NULL);
        const char *path = real ? real : config->models[i].path;

        for (const struct hidden_folder *hidden = hidden_folder; hidden->folder; hidden++) {
            if (!is_below(path, hidden->folder))
                continue;
            log_error("%s: the service does not see %s (%s): move the model to /var/lib/wisp/models", path,
                      hidden->folder, hidden->directive);
            found++;
        }
    }
    return found;
}

/* ---- permissions ---- */

/* The first folder on the way that may not be entered; false: none. */
static bool find_closed(const char *path, char *folder)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        memcpy(folder, path, (size_t)(slash - path));
        folder[slash - path] = 0;
        if (faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS))
            return true;
    }
    return false;
}

bool impersonate_denied(const char *path, struct reason *why)
{
    cleanup_free char *folder = NULL;
    const struct passwd *entry = getpwuid(geteuid());
    const char *name = entry ? entry->pw_name : "without a name";
    struct stat status;

    if (!faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) || errno != EACCES)
        return false;
    folder = malloc(strlen(path) + 1);
    if (!folder)
        return false;
    if (find_closed(path, folder))
        refuse(why, 0, "%s: user %s may not enter %s: chmod a+x %s, or move the file to /var/lib/wisp/models", path,
               name, folder, folder);
    else if (!stat(path, &status))
        refuse(why, 0, "%s: user %s may not read it (mode %04o): chmod a+r %s, or chown root:wisp and chmod 0640", path,
               name, (unsigned)status.st_mode & 07777, path);
    return true;
}
