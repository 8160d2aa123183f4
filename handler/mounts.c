#include "handler/mounts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line of mountinfo: see proc(5). Paths have no slash at their end: the root is "". */
struct mount {
    char id[24], device[24];
    char root[PATH_MAX], point[PATH_MAX];
};

char *mounts_read(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (file == NULL)
        return NULL;
    ssize_t length = getdelim(&text, &size, '\0', file);
    int error = errno;
    (void)fclose(file); /* it was only read */
    if (length > 0)
        return text;
    free(text);
    errno = error != 0 ? error : ENODATA;
    return NULL;
}

static bool is_octal(const char *digits)
{
    return strspn(digits, "01234567") >= 3;
}

/* Spaces and the like are written as a backslash and three digits. */
static void unescape(char *path)
{
    char *to = path;
    if (strcmp(path, "/") == 0)
        path++;
    while (*path != '\0') {
        if (path[0] == '\\' && is_octal(path + 1)) {
            *to++ = (char)((path[1] - '0') << 6 | (path[2] - '0') << 3 | (path[3] - '0'));
            path += 4;
        } else {
            *to++ = *path++;
        }
    }
    *to = '\0';
}

/* Parses the line that `*mounts` begins with, and moves on; false at the end. */
static bool next_mount(const char **mounts, struct mount *mount)
{
    while (**mounts != '\0') {
        const char *line = *mounts;
        *mounts += strcspn(line, "\n");
        *mounts += **mounts == '\n' ? 1 : 0;
        if (sscanf(line, "%23s %*s %23s %4095s %4095s", mount->id, mount->device, mount->root,
                   mount->point) != 4)
            continue; /* none that could be compared */
        unescape(mount->root);
        unescape(mount->point);
        return true;
    }
    return false;
}

/* What of `path` comes after the directory; NULL if it is not that, nor beneath it. */
static const char *beneath(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    bool is_beneath =
        strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
    return is_beneath ? path + length : NULL;
}

static bool join(char joined[PATH_MAX], const char *directory, const char *rest)
{
    int length = snprintf(joined, PATH_MAX, "%s%s", directory, rest);
    return length >= 0 && length < PATH_MAX;
}

int mounts_find(const char *mounts, uint64_t id, const char *path, struct mounts_place *place)
{
    struct mount mount;
    char name[24];
    (void)snprintf(name, sizeof name, "%" PRIu64, id); /* fits */
    while (next_mount(&mounts, &mount)) {
        const char *rest = strcmp(mount.id, name) == 0 ? beneath(path, mount.point) : NULL;
        if (rest == NULL)
            continue;
        memcpy(place->device, mount.device, sizeof place->device);
        return join(place->path, mount.root, rest) ? 0 : -ENAMETOOLONG;
    }
    return -ENODATA;
}

bool mounts_next_path(const char **mounts, const struct mounts_place *place, char path[PATH_MAX])
{
    struct mount mount;
    while (next_mount(mounts, &mount)) {
        const char *rest =
            strcmp(mount.device, place->device) == 0 ? beneath(place->path, mount.root) : NULL;
        if (rest != NULL && join(path, mount.point, rest))
            return true;
    }
    return false;
}
