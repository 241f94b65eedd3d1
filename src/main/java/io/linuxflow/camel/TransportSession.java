// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.metering.ExportSessions;
import io.netty.channel.Channel;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the packets that a channel sends from being metered, and knows whether they are refused.
 */
final class TransportSession {

    private static final Logger LOG = LoggerFactory.getLogger(TransportSession.class);

    private static final int UDP = 17;

    /** How long a change of the route to the collector may go unnoticed. */
    private static final long REFRESH = TimeUnit.SECONDS.toNanos(10);

    private ExportSessions.Session session;
    private long checked;

    /** Null if there can be none. */
    private CollectorWatch watch;

    /** The channel is about to send to the collector. */
    void use(Channel channel, InetSocketAddress collector) {
        long now = System.nanoTime();
        if (session != null && session.remote().equals(collector) && now - checked < REFRESH) {
            return;
        }
        checked = now;
        InetSocketAddress source;
        try {
            source = source(channel, collector);
        } catch (IOException e) {
            return; // no route, so nothing will be sent
        }
        ExportSessions.Session current = new ExportSessions.Session(source, collector, UDP);
        if (!current.equals(session)) {
            ExportSessions.add(current);
            end();
            session = current;
            watch = watch(channel, collector);
        }
    }

    private static CollectorWatch watch(Channel channel, InetSocketAddress collector) {
        try {
            return new CollectorWatch(channel, collector);
        } catch (IOException | RuntimeException e) {
            LOG.debug("Can't tell whether {} refuses what is sent to it", collector, e);
            return null;
        }
    }

    /** Whether the collector has refused something since the last call. */
    boolean isRefused() {
        return watch != null && watch.refused();
    }

    /** The channel sends no more. */
    void end() {
        if (session != null) {
            ExportSessions.remove(session);
            session = null;
        }
        if (watch != null) {
            watch.close();
            watch = null;
        }
    }

    /** The address the kernel puts into packets from a socket that is bound to any. */
    private static InetSocketAddress source(Channel channel, InetSocketAddress collector)
            throws IOException {
        InetSocketAddress bound = (InetSocketAddress) channel.localAddress();
        if (!bound.getAddress().isAnyLocalAddress()) {
            return bound;
        }
        try (DatagramSocket probe = new DatagramSocket()) {
            probe.connect(collector);
            return new InetSocketAddress(probe.getLocalAddress(), bound.getPort());
        }
    }
}
