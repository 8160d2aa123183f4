#include "helpers/milter-filter/server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helpers/peer.h"

bool server_complain(const struct server *server, const char *what)
{
    char line[512];
    int length = snprintf(line, sizeof line, "milter-filter: %s: %s: %s\n", server->name,
                          server->step, what);
    size_t size = length < (int)sizeof line ? (size_t)length : sizeof line - 1;
    (void)!write(STDERR_FILENO, line, size); /* the status tells, too */
    return false;
}

bool server_open(struct server *server, const char *name, int patience)
{
    server->name = name;
    server->step = "connect";
    server->patience = patience;
    server->is_deaf = false;
    server->input_left = span_empty();
    server->sent = server->length = 0;
    server->socket = peer_connect(name);
    return server->socket >= 0 || server_complain(server, peer_fault(-server->socket));
}

bool server_is_full(const struct server *server)
{
    return SERVER_OUTPUT_SIZE - server->length < PACKET_ROOM;
}

struct room server_room(struct server *server)
{
    assert(!server_is_full(server));
    return (struct room){server->output + server->length, SERVER_OUTPUT_SIZE - server->length};
}

void server_add(struct server *server, struct text *packet)
{
    server->length += packet_end(packet);
}

bool server_has_output(const struct server *server)
{
    return server->sent < server->length;
}

static bool is_transient(int error)
{
    return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

/* Sends what it takes. What it said before it closed its end comes by receiving. */
static void send_output(struct server *server)
{
    ssize_t sent = send(server->socket, server->output + server->sent,
                        server->length - server->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && !is_transient(errno))
        server->is_deaf = true;
    server->sent += sent > 0 ? (size_t)sent : 0;
    if (server->is_deaf || server->sent == server->length)
        server->sent = server->length = 0;
}

static bool receive_input(struct server *server)
{
    size_t before = server->input_left.length;
    memmove(server->input, server->input_left.octets, before);
    ssize_t length =
        recv(server->socket, server->input + before, sizeof server->input - before, MSG_DONTWAIT);
    if (length == 0)
        return server_complain(server, "the milter broke off");
    if (length < 0 && !is_transient(errno))
        return server_complain(server, strerror(errno));
    server->input_left = (struct span){server->input, before + (length > 0 ? (size_t)length : 0)};
    return true;
}

bool server_move(struct server *server)
{
    short events = (short)(POLLIN | (server_has_output(server) ? POLLOUT : 0));
    struct pollfd ready = {.fd = server->socket, .events = events};
    int count = poll(&ready, 1, server->patience);
    if (count < 0 && errno != EINTR)
        return server_complain(server, strerror(errno));
    if (count == 0)
        return server_complain(server, "the milter did not answer in time");
    if (count > 0 && (ready.revents & POLLOUT) != 0)
        send_output(server);
    return count < 0 || (ready.revents & ~POLLOUT) == 0 || receive_input(server);
}

bool server_take(struct server *server, struct packet *packet)
{
    packet->command = 0;
    switch (packet_take(&server->input_left, packet)) {
    case PACKET_PARTIAL:
        return true;
    case PACKET_WHOLE:
        return packet->command != 0 || server_complain(server, "the milter sent no answer");
    default:
        return server_complain(server, "the milter sent what is no packet");
    }
}

void server_quit(struct server *server)
{
    static const char quit[] = {0, 0, 0, 1, 'Q'};
    (void)send(server->socket, quit, sizeof quit, MSG_NOSIGNAL | MSG_DONTWAIT); /* as said */
}
