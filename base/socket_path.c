/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/socket_path.h"

bool socket_of_user(char path[static SOCKET_PATH_MAX])
{
    const char *folder = secure_getenv("XDG_RUNTIME_DIR");

    return folder && *folder == '/' && snprintf(path, SOCKET_PATH_MAX, "%s/wisp/wisp.sock", folder) < SOCKET_PATH_MAX;
}

void socket_to_listen(char path[static SOCKET_PATH_MAX])
{
    if (!geteuid() || !socket_of_user(path))
        snprintf(path, SOCKET_PATH_MAX, "%s", SOCKET_OF_SERVICE);
}

void socket_to_connect(char path[static SOCKET_PATH_MAX])
{
    if (!access(SOCKET_OF_SERVICE, F_OK) || errno != ENOENT || !socket_of_user(path) || access(path, F_OK))
        snprintf(path, SOCKET_PATH_MAX, "%s", SOCKET_OF_SERVICE);
}

bool socket_is_of_service(const char *path)
{
    return !strcmp(path, SOCKET_OF_SERVICE);
}

int socket_make_folder(const char *path)
{
    char own[SOCKET_PATH_MAX];

    if (!socket_of_user(own) || strcmp(path, own) != 0)
        return 0;
    *strrchr(own, '/') = 0;
    return mkdir(own, 0700) && errno != EEXIST ? -errno : 0;
}
