load helper
load peers
load tls

# A program that looks for the weaknesses of TLS, for a minute or two: once, of the release build.

setup_file() {
    make_pairs mx
}

@test "testssl.sh finds no weakness in protocols, ciphers and key exchange" {
    serve
    testssl --quiet --color 0 --warnings batch --openssl=/usr/bin/openssl --starttls smtp -p -s -f -P -U \
        --connect-timeout 20 --openssl-timeout 20 --jsonfile found.json "127.0.0.1:$port" >found 2>&1 </dev/null || true
    cat found
    python3 - <<'END'
import json
with open("found.json") as file:
    findings = json.load(file)
bad = [finding for finding in findings # but for its own wish for GOST
       if finding["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL", "WARN") and finding["id"] != "engine_problem"]
for finding in bad:
    print(finding["severity"], finding["id"], finding["finding"])
found = {finding["id"]: finding["finding"] for finding in findings}
assert "not offered" in found["TLS1"] and "not offered" in found["TLS1_1"], found
assert "offered" in found["TLS1_3"], found
assert not bad
END
}
