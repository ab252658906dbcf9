# Vultr's metadata service, at its address:
#
#     metadata.py DIR
#
# DIR/v1.json is what it answers, and if that is empty it does not answer; DIR/requests takes what it was asked.
import http.server
import sys
import threading

folder = sys.argv[1]


class Metadata(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(folder + "/requests", "a") as log:
            log.write(self.path + "\n")
        with open(folder + "/v1.json", "rb") as f:
            answer = f.read()
        if not answer:
            self.close_connection = True
            return
        # cloud-init asks for the root first, to see whether it has to bring a network up.
        found = self.path in ("/", "/v1.json")
        try:
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(answer) if found else 0))
            self.end_headers()
            if found:
                self.wfile.write(answer)
        except OSError:
            # Who only looks whether it answers has gone.
            self.close_connection = True

    def log_message(self, *args):
        pass


# The same on another port, in place of the BGP that the address speaks as well.
other = http.server.ThreadingHTTPServer(("169.254.169.254", 179), Metadata)
threading.Thread(target=other.serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(("169.254.169.254", 80), Metadata).serve_forever()
