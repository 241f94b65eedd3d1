// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AddressRangesTest {

    private record Prefix(long high, long low, int length, String value) {
        static Prefix of(String text) {
            String[] parts = text.split("/");
            long[] halves = halves(parts[0]);
            int length = Integer.parseInt(parts[1]);
            return new Prefix(
                    halves[0], halves[1], text.contains(":") ? length : 96 + length, text);
        }

        boolean contains(long otherHigh, long otherLow) {
            return same(high, otherHigh, Math.min(64, length))
                    && same(low, otherLow, Math.max(0, length - 64));
        }

        private static boolean same(long a, long b, int bits) {
            return bits == 0 || (a ^ b) >>> 64 - bits == 0;
        }
    }

    private static long[] halves(String address) {
        byte[] octets = Batches.octets(address);
        ByteBuffer buffer = ByteBuffer.wrap(octets);
        return octets.length == 4
                ? new long[] {0, Addresses.low(buffer.getInt())}
                : new long[] {buffer.getLong(), buffer.getLong()};
    }

    private static AddressRanges<String> of(List<Prefix> prefixes) {
        AddressRanges.Builder<String> builder = new AddressRanges.Builder<>();
        prefixes.forEach(p -> builder.add(p.high, p.low, p.length, builder.index(p.value)));
        return builder.build();
    }

    private static AddressRanges<String> of(String... prefixes) {
        return of(List.of(prefixes).stream().map(Prefix::of).toList());
    }

    private static String find(AddressRanges<String> ranges, String address) {
        long[] halves = halves(address);
        return ranges.find(halves[0], halves[1]);
    }

    @Test
    void withoutPrefixesThereIsNothing() {
        assertThat(find(of(), "0.0.0.0")).isNull();
        assertThat(find(of(), "255.255.255.255")).isNull();
        assertThat(find(of(), "::")).isNull();
        assertThat(of().prefixes()).isZero();
    }

    @Test
    void theLongestPrefixIsFoundWhateverTheOrder() {
        AddressRanges<String> ranges =
                of("10.1.2.0/24", "0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "10.1.0.0/16");

        assertThat(find(ranges, "10.1.2.3")).isEqualTo("10.1.2.3/32");
        assertThat(find(ranges, "10.1.2.4")).isEqualTo("10.1.2.0/24");
        assertThat(find(ranges, "10.1.3.0")).isEqualTo("10.1.0.0/16");
        assertThat(find(ranges, "10.2.0.0")).isEqualTo("10.0.0.0/8");
        assertThat(find(ranges, "9.255.255.255")).isEqualTo("0.0.0.0/0");
        assertThat(find(ranges, "11.0.0.0")).isEqualTo("0.0.0.0/0");
        assertThat(find(ranges, "255.255.255.255")).isEqualTo("0.0.0.0/0");
        assertThat(find(ranges, "2001:db8::1")).isNull();
    }

    @Test
    void theEndsOfTheAddressSpaces() {
        AddressRanges<String> ranges =
                of("255.255.255.255/32", "0.0.0.0/32", "::/128", "ffff::/16", "ffff:ffff::/32");

        assertThat(find(ranges, "255.255.255.255")).isEqualTo("255.255.255.255/32");
        assertThat(find(ranges, "255.255.255.254")).isNull();
        assertThat(find(ranges, "0.0.0.0")).isEqualTo("0.0.0.0/32");
        assertThat(find(ranges, "0.0.0.1")).isNull();
        assertThat(find(ranges, "::")).isEqualTo("::/128");
        assertThat(find(ranges, "::1")).isNull();
        assertThat(find(ranges, "ffff:ffff::")).isEqualTo("ffff:ffff::/32");
        assertThat(find(ranges, "ffff:fffe::")).isEqualTo("ffff::/16");
    }

    @Test
    void ofEqualPrefixesTheLastCountsAndBitsBeyondTheLengthDoNot() {
        AddressRanges.Builder<String> builder = new AddressRanges.Builder<>();
        builder.add(0, Addresses.low(0x0a010203), 96 + 8, builder.index("first"));
        builder.add(0, Addresses.low(0x0a000000), 96 + 8, builder.index("last"));
        builder.add(0x20010db8_12345678L, 5, 32, builder.index("first"));
        builder.add(0x20010db8_00000000L, 0, 32, builder.index("last"));
        AddressRanges<String> ranges = builder.build();

        assertThat(find(ranges, "10.255.0.1")).isEqualTo("last");
        assertThat(find(ranges, "2001:db8:ffff::1")).isEqualTo("last");
        assertThat(find(ranges, "2001:db9::")).isNull();
    }

    /** Against looking at every prefix. */
    @Test
    void randomPrefixes() {
        Random random = new Random(1);
        for (int round = 0; round < 40; round++) {
            boolean ipv6 = round % 2 == 1;
            List<Prefix> prefixes = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                // Few different bits, so that prefixes are in each other.
                long low = random.nextLong() & 0x0000_0000_c000_c003L;
                long high = ipv6 ? random.nextLong() & 0xc000_0000_0003_0003L : 0;
                int length = ipv6 ? random.nextInt(129) : 96 + random.nextInt(33);
                low = ipv6 ? low & 0xffff_fffffL << 28 | low : Addresses.low((int) low);
                prefixes.add(masked(high, low, length, "v" + random.nextInt(20)));
            }
            AddressRanges<String> ranges = of(prefixes);
            for (int i = 0; i < 2000; i++) {
                Prefix near = prefixes.get(random.nextInt(prefixes.size()));
                long low = near.low + random.nextInt(5) - 2;
                long high = near.high;
                if (Addresses.isIpv4(high, low) == ipv6) {
                    continue;
                }
                assertThat(ranges.find(high, low)).isEqualTo(longest(prefixes, high, low));
            }
        }
    }

    private static Prefix masked(long high, long low, int length, String value) {
        long highMask = length == 0 ? 0 : length >= 64 ? -1 : -1L << 64 - length;
        long lowMask = length <= 64 ? 0 : -1L << 128 - length;
        return new Prefix(high & highMask, low & lowMask, length, value);
    }

    private static String longest(List<Prefix> prefixes, long high, long low) {
        Prefix best = null;
        for (Prefix prefix : prefixes) {
            if (prefix.contains(high, low) && (best == null || prefix.length >= best.length)) {
                best = prefix;
            }
        }
        return best == null ? null : best.value;
    }
}
