load helper
load peers
load tls

# A minute goes by: once, of the release build.

setup_file() {
    make_pairs mx
}

@test "a password program that takes a minute is ended with all its processes, AUTH deferred, the session kept" {
    printf '#!/bin/sh\nsleep 1000 &\necho $! >"$0.child"\nwait\n' >hangs
    chmod +x hangs
    serve --auth "$PWD/hangs"
    client <<'END'
import time
client = Client(port)
client.socket.settimeout(100 * patience)
client.starttls()
began = time.monotonic()
client.expect("454 4.7.0 ", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
assert 59 < time.monotonic() - began < 80 * patience
assert client.send_message().startswith("250")
END
    grep -q 'password program .*/hangs: timeout' background
    eventually sh -c '! kill -0 "$(cat hangs.child)"'
}
