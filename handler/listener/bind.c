#include "handler/listener/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/process.h"

static bool set_option(int socket, int level, int option)
{
    int one = 1;
    return setsockopt(socket, level, option, &one, sizeof one) == 0;
}

/*
 * Who binds, replaces or removes the file of a Unix socket holds a lock meanwhile: another might
 * take it for one that nobody listens on, between these or before it listens. The lock is a file of
 * its own, since no socket can be locked, and others could hold the lock of a directory.
 */
struct lock {
    int descriptor;
    char path[SOCKET_ADDRESS_TEXT_MAX + sizeof ".smtp-handler"];
};

/* Whether the file is still the one that its name leads to. */
static bool is_in_place(const struct lock *lock)
{
    struct stat ours, there;
    return fstat(lock->descriptor, &ours) == 0 && lstat(lock->path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* 0, or -errno. */
static int lock_file(struct lock *lock)
{
    lock->descriptor = open(lock->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock->descriptor >= 0 && flock(lock->descriptor, LOCK_EX) == 0)
        return 0;
    int error = -errno;
    if (lock->descriptor >= 0)
        (void)close(lock->descriptor); /* it is another's */
    lock->descriptor = -1;
    return error;
}

/* Waits for the lock on a Unix socket's file; other sockets need none. 0, or -errno. */
static int take_lock(struct lock *lock, const union socket_address *address)
{
    lock->descriptor = -1;
    if (address->any.sa_family != AF_UNIX)
        return 0;
    (void)snprintf(lock->path, sizeof lock->path, "%s.smtp-handler",
                   address->local.sun_path); /* fits */
    int result = lock_file(lock);
    while (result == 0 && !is_in_place(lock)) {
        (void)close(lock->descriptor); /* who held it has removed the file */
        result = lock_file(lock);
    }
    return result;
}

static void release_lock(const struct lock *lock)
{
    if (lock->descriptor < 0)
        return;
    (void)unlink(lock->path);      /* or the next does */
    (void)close(lock->descriptor); /* it is empty */
}

/* Whether the socket that is there is one that nobody listens on. */
static bool is_stale(const union socket_address *address)
{
    struct stat status;
    if (lstat(address->local.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = client >= 0 &&
                   connect(client, &address->any, socket_address_length(address)) != 0 &&
                   errno == ECONNREFUSED;
    if (client >= 0)
        (void)close(client); /* it was a question */
    return refused;
}

/* 0, or -errno, as the others here. */
static int bind_socket(int socket, const union socket_address *address)
{
    if (bind(socket, &address->any, socket_address_length(address)) == 0)
        return 0;
    if (errno != EADDRINUSE || address->any.sa_family != AF_UNIX)
        return -errno;
    if (!is_stale(address))
        return -EADDRINUSE;
    bool bound = unlink(address->local.sun_path) == 0 &&
                 bind(socket, &address->any, socket_address_length(address)) == 0;
    return bound ? 0 : -errno;
}

static int listen_at(int socket, const union socket_address *address)
{
    int family = address->any.sa_family;
    if ((family != AF_UNIX && !set_option(socket, SOL_SOCKET, SO_REUSEADDR)) ||
        (family == AF_INET6 && !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY)))
        return -errno;
    struct lock lock;
    int result = take_lock(&lock, address);
    if (result == 0)
        result = bind_socket(socket, address);
    if (result == 0 && listen(socket, SOMAXCONN) != 0)
        result = -errno;
    release_lock(&lock);
    return result;
}

/* The socket, or -errno. */
static int make(const union socket_address *address)
{
    int made = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return -errno;
    int result = process_move(&made);
    if (result == 0)
        result = listen_at(made, address);
    if (result == 0)
        return made;
    if (made >= 0)
        (void)close(made); /* nobody can have connected */
    return result;
}

static struct bind_file file_of(const union socket_address *address)
{
    struct stat status;
    bool exists = address->any.sa_family == AF_UNIX && lstat(address->local.sun_path, &status) == 0;
    return exists ? (struct bind_file){status.st_dev, status.st_ino} : (struct bind_file){0};
}

int bind_address(const union socket_address *address, struct bind_file *file,
                 struct problem *problem)
{
    char text[SOCKET_ADDRESS_TEXT_MAX];
    int made = make(address);
    *file = file_of(address);
    if (made >= 0)
        return made;
    socket_address_write(address, text);
    (void)problem_set(problem, EX_OSERR, "listen %s: %s", text, strerror(-made)); /* false */
    return -1;
}

/* False if it has no address, which cannot be. */
static bool ask_address(int socket, union socket_address *address)
{
    socklen_t length = sizeof *address;
    *address = (union socket_address){.any.sa_family = AF_UNSPEC};
    return getsockname(socket, &address->any, &length) == 0;
}

void bind_describe(int socket, char text[SOCKET_ADDRESS_TEXT_MAX])
{
    union socket_address address;
    text[0] = '\0';
    if (ask_address(socket, &address))
        socket_address_write(&address, text);
}

void bind_remove(int socket, const struct bind_file *file)
{
    union socket_address address;
    struct lock lock;
    if (!ask_address(socket, &address) || address.any.sa_family != AF_UNIX)
        return;
    bool locked = take_lock(&lock, &address) == 0;
    struct bind_file now = file_of(&address);
    if (locked && now.device == file->device && now.number == file->number)
        (void)unlink(address.local.sun_path); /* or the next listener does */
    release_lock(&lock);
}
