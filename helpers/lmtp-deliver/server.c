#include "helpers/lmtp-deliver/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helpers/peer.h"

static bool complain(const struct server *server, const char *what)
{
    fprintf(stderr, "lmtp-deliver: %s: %s: %s\n", server->name, server->step, what);
    return false;
}

bool server_open(struct server *server, const char *name)
{
    server->name = name;
    server->step = "connect";
    server->start = server->end = server->length = 0;
    server->socket = peer_connect(name);
    return server->socket >= 0 || complain(server, peer_fault(-server->socket));
}

static bool flush(struct server *server)
{
    const char *octets = server->output;
    while (server->length > 0) {
        ssize_t sent = send(server->socket, octets, server->length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return complain(server, strerror(errno));
        if (sent > 0) {
            octets += sent;
            server->length -= (size_t)sent;
        }
    }
    return true;
}

bool server_send(struct server *server, const void *octets, size_t length)
{
    const char *next = octets;
    while (length > 0) {
        size_t room = SERVER_OUTPUT_SIZE - server->length;
        size_t part = length < room ? length : room;
        memcpy(server->output + server->length, next, part);
        server->length += part;
        next += part;
        length -= part;
        if (server->length == SERVER_OUTPUT_SIZE && !flush(server))
            return false;
    }
    return true;
}

bool server_ask(struct server *server)
{
    if (server->start < server->end)
        return complain(server, "the server replies to what was not said");
    return flush(server);
}

/* Reads what the server sends now, behind what is not read yet. */
static bool read_more(struct server *server)
{
    memmove(server->input, server->input + server->start, server->end - server->start);
    server->end -= server->start;
    server->start = 0;
    if (server->end == sizeof server->input)
        return complain(server, "a line of the reply is too long");
    ssize_t length;
    do
        length = recv(server->socket, server->input + server->end,
                      sizeof server->input - server->end, 0);
    while (length < 0 && errno == EINTR);
    if (length <= 0)
        return complain(server, length == 0 ? "the server broke off" : strerror(errno));
    server->end += (size_t)length;
    return true;
}

/* Reads a line, and cuts its line end, CR LF or LF; it stands until more is read. */
static bool read_line(struct server *server, const char **line, size_t *length)
{
    const char *end;
    while ((end = memchr(server->input + server->start, '\n', server->end - server->start)) == NULL)
        if (!read_more(server))
            return false;
    *line = server->input + server->start;
    *length = (size_t)(end - *line);
    server->start += *length + 1;
    if (*length > 0 && (*line)[*length - 1] == '\r')
        --*length;
    return true;
}

bool server_read(struct server *server, struct reply *reply, unsigned *extensions)
{
    const char *line;
    size_t length;
    reply_clear(reply);
    while (!reply->is_complete) {
        if (!read_line(server, &line, &length))
            return false;
        if (!reply_add_line(reply, line, length))
            return complain(server, "the server sent no reply of LMTP");
        if (extensions != NULL && reply->lines > 1)
            *extensions |= reply_extension(line, length);
    }
    return true;
}

void server_quit(struct server *server)
{
    static const char quit[] = "QUIT\r\n";
    (void)send(server->socket, quit, sizeof quit - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}
