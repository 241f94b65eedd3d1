// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import java.net.InetSocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An address as Go programs write it: {@code collector.example:4739}, {@code 192.0.2.1:4739},
 * {@code [2001:db8::1]:4739}.
 *
 * @param host a name or an address, without brackets
 */
public record HostPort(String host, int port) {

    private static final Pattern SYNTAX =
            Pattern.compile("(?:\\[([0-9A-Fa-f:.]+(?:%\\S+)?)]|([^\\s:\\[\\]/]*)):([0-9]{1,5})");

    private static final Pattern IPV4 = Pattern.compile("[0-9]+(\\.[0-9]+){3}");

    /**
     * Reads an address; looks up no names.
     *
     * @param local whether any address (empty, 0.0.0.0, [::]) and port 0 make sense
     * @throws IllegalArgumentException saying what is wrong with it
     */
    static HostPort parse(String text, boolean local) {
        Matcher matcher = SYNTAX.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no address: give HOST:PORT or [IPV6-ADDRESS]:PORT");
        }
        String host = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
        int port = Integer.parseInt(matcher.group(3));
        if (port > 0xffff || port == 0 && !local) {
            throw new IllegalArgumentException(
                    "'" + text + "': ports are from " + (local ? 0 : 1) + " to 65535");
        }
        if (host.matches("[0-9.]+") && !isIpv4(host)) {
            throw new IllegalArgumentException("'" + text + "': " + host + " is no IPv4 address");
        }
        if (local && !host.isEmpty() && !isIpv4(host) && !host.contains(":")) {
            throw new IllegalArgumentException(
                    "'" + text + "': give an address of this host, or 0.0.0.0 for any");
        }
        if (host.isEmpty()) {
            host = local ? "0.0.0.0" : "localhost";
        }
        if (!local && (host.equals("0.0.0.0") || host.equals("::"))) {
            throw new IllegalArgumentException("'" + text + "' is no address of a collector");
        }
        return new HostPort(host, port);
    }

    private static boolean isIpv4(String host) {
        if (!IPV4.matcher(host).matches()) {
            return false;
        }
        for (String part : host.split("\\.")) {
            if (part.length() > 3 || Integer.parseInt(part) > 255) {
                return false;
            }
        }
        return true;
    }

    private boolean isAny() {
        return host.equals("0.0.0.0") || host.equals("::");
    }

    /** Whether one is an IPv4 and the other an IPv6 address. */
    boolean contradicts(HostPort remote) {
        boolean known = isIpv4(remote.host) || remote.host.contains(":");
        return !isAny() && known && isIpv4(host) != isIpv4(remote.host);
    }

    /** Names are looked up. */
    public InetSocketAddress resolve() {
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("unknown host " + host);
        }
        return address;
    }

    @Override
    public String toString() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
