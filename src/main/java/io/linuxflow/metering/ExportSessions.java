// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * The Transport Sessions over which this process exports. No meter of this process meters their
 * packets: it would feed itself. They are known by addresses, ports and protocol, so it does not
 * matter where the collector is or which interfaces and namespaces the packets cross.
 */
public final class ExportSessions {

    /**
     * A Transport Session in one direction, from this process to a collector.
     *
     * @param local address and port that the packets bear as their source
     * @param remote the collector
     * @param protocol IANA protocol number, 17 for UDP
     */
    public record Session(InetSocketAddress local, InetSocketAddress remote, int protocol) {
        public Session {
            requireResolved(local);
            requireResolved(remote);
        }

        private static void requireResolved(InetSocketAddress address) {
            if (address.isUnresolved() || address.getAddress().isAnyLocalAddress()) {
                throw new IllegalArgumentException(
                        address + " is no address that packets can bear");
            }
        }

        /** {@code struct excluded_session} of bpf/flow.h. */
        byte[] key() {
            byte[] key = new byte[40];
            mapped(local.getAddress(), key, 0);
            mapped(remote.getAddress(), key, 16);
            key[32] = (byte) (local.getPort() >> 8);
            key[33] = (byte) local.getPort();
            key[34] = (byte) (remote.getPort() >> 8);
            key[35] = (byte) remote.getPort();
            key[36] = (byte) protocol;
            return key;
        }

        private static void mapped(InetAddress address, byte[] key, int at) {
            byte[] octets = address.getAddress();
            if (octets.length == 4) {
                Arrays.fill(key, at + 10, at + 12, (byte) 0xff);
            }
            System.arraycopy(octets, 0, key, at + 16 - octets.length, octets.length);
        }
    }

    private static final Set<Session> SESSIONS = new LinkedHashSet<>();
    private static final Set<BiConsumer<Session, Boolean>> LISTENERS = new LinkedHashSet<>();

    private ExportSessions() {}

    /** From now on, packets of this session are not metered. */
    public static synchronized void add(Session session) {
        if (SESSIONS.add(Objects.requireNonNull(session))) {
            LISTENERS.forEach(listener -> listener.accept(session, true));
        }
    }

    /** From now on they are. */
    public static synchronized void remove(Session session) {
        if (SESSIONS.remove(session)) {
            LISTENERS.forEach(listener -> listener.accept(session, false));
        }
    }

    /** The sessions there are now. */
    public static synchronized List<Session> current() {
        return List.copyOf(SESSIONS);
    }

    /** Tells of every session there is and of each that comes (true) and goes (false). */
    static synchronized void listen(BiConsumer<Session, Boolean> listener) {
        LISTENERS.add(listener);
        SESSIONS.forEach(session -> listener.accept(session, true));
    }

    static synchronized void unlisten(BiConsumer<Session, Boolean> listener) {
        LISTENERS.remove(listener);
    }
}
