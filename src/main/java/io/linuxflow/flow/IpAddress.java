// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;

/** IP addresses as 4 or 16 octets, and as text. */
public final class IpAddress {

    private static final int GROUPS = 8;

    /** Without them Java would look up a name. */
    private static final Pattern IPV6_CHARACTERS = Pattern.compile("[0-9A-Fa-f:.]+");

    private IpAddress() {}

    /** As {@link #text(byte[])} has it. */
    public static String text(InetAddress address) {
        return text(address.getAddress());
    }

    /** As RFC 5952 has it: lower case, the longest run of zeros left out. */
    public static String text(byte[] address) {
        if (address.length == 4) {
            return dotted(new StringBuilder(15), address, 0).toString();
        }
        StringBuilder text = new StringBuilder(39);
        if (isMappedIpv4(address)) {
            return dotted(text.append("::ffff:"), address, FlowLayout.MAPPED_IPV4).toString();
        }
        int from = 0;
        int to = 0;
        for (int group = 0; group < GROUPS; ) {
            int end = group;
            while (end < GROUPS && group(address, end) == 0) {
                end++;
            }
            // One group of zeros is not shortened; of runs as long, the first one is.
            if (end - group >= 2 && end - group > to - from) {
                from = group;
                to = end;
            }
            group = end + 1;
        }
        for (int group = 0; group < GROUPS; group++) {
            if (group == from && to > from) {
                text.append("::");
                group = to - 1;
            } else {
                if (group > 0 && group != to) {
                    text.append(':');
                }
                text.append(Integer.toHexString(group(address, group)));
            }
        }
        return text.toString();
    }

    /**
     * The octets of an address; looks up no names.
     *
     * @throws IllegalArgumentException if the text is no address
     */
    public static byte[] parse(String text) {
        byte[] address = text.indexOf(':') < 0 ? parseIpv4(text) : parseIpv6(text);
        if (address == null) {
            throw new IllegalArgumentException("\"" + text + "\" is no IP address");
        }
        return address;
    }

    private static byte[] parseIpv4(String text) {
        byte[] address = new byte[4];
        int part = 0;
        int digits = 0;
        int octet = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '.' && digits > 0 && part < 3) {
                address[part++] = (byte) octet;
                digits = octet = 0;
            } else if (c >= '0' && c <= '9' && digits < 3) {
                octet = 10 * octet + c - '0';
                digits++;
            } else {
                return null;
            }
            if (octet > 255) {
                return null;
            }
        }
        address[part] = (byte) octet;
        return part == 3 && digits > 0 ? address : null;
    }

    private static byte[] parseIpv6(String text) {
        if (!IPV6_CHARACTERS.matcher(text).matches()) {
            return null;
        }
        try {
            byte[] address = InetAddress.getByName(text).getAddress();
            // Java takes an IPv4-mapped address for an IPv4 address.
            return address.length == 4 ? mapped(address) : address;
        } catch (UnknownHostException e) {
            return null;
        }
    }

    /** The IPv4-mapped IPv6 address of an IPv4 address; others as they are. */
    public static byte[] mapped(byte[] address) {
        if (address.length == 16) {
            return address;
        }
        byte[] mapped = new byte[16];
        mapped[10] = mapped[11] = (byte) 0xff;
        System.arraycopy(address, 0, mapped, FlowLayout.MAPPED_IPV4, 4);
        return mapped;
    }

    private static boolean isMappedIpv4(byte[] address) {
        return Arrays.equals(address, 0, 12, mapped(new byte[4]), 0, 12);
    }

    private static int group(byte[] address, int group) {
        return (address[2 * group] & 0xff) << 8 | address[2 * group + 1] & 0xff;
    }

    private static StringBuilder dotted(StringBuilder text, byte[] address, int from) {
        return text.append(address[from] & 0xff)
                .append('.')
                .append(address[from + 1] & 0xff)
                .append('.')
                .append(address[from + 2] & 0xff)
                .append('.')
                .append(address[from + 3] & 0xff);
    }
}
