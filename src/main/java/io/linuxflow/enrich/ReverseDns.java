// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.util.Hashtable;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import javax.naming.Context;
import javax.naming.NameNotFoundException;
import javax.naming.NamingException;
import javax.naming.directory.Attribute;
import javax.naming.directory.DirContext;
import javax.naming.directory.InitialDirContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The names that DNS has for the addresses of a flow (PTR, RFC 1035 and RFC 3596): columns {@code
 * sourceHostName} and {@code destinationHostName}.
 *
 * <p>No batch waits: an address that is new is looked up in the background, and its name shows from
 * then on. A few threads do that; beyond those that wait already, addresses are not looked up but
 * counted, and tried again later. A name is kept for an hour, that there is none for ten minutes,
 * that no server answered for one; an old name shows until there is a new one.
 *
 * <p>The lookups are by the JDK's DNS client in JNDI, which has timeouts and tells "no such name"
 * from "no answer"; {@code InetAddress.getCanonicalHostName} has neither.
 */
public final class ReverseDns implements Enrichment, Lookups.Source, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ReverseDns.class);

    private static final int CAPACITY = 1 << 16;
    private static final int THREADS = 8;
    private static final int MOST_WAITING = 8192;

    private static final long NAME_LIFETIME = TimeUnit.HOURS.toNanos(1);
    private static final long NO_NAME_LIFETIME = TimeUnit.MINUTES.toNanos(10);
    private static final long FAILURE_LIFETIME = TimeUnit.MINUTES.toNanos(1);

    /** When an address that could not wait for its turn, or has waited too long, tries again. */
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);

    /** For the first answer; doubled for the second try, which is the last. */
    private static final String TIMEOUT_MILLIS = "1000";

    private static final String TRIES = "2";

    private static final String PTR = "PTR";

    /** Values are null while there is no name. Made when it is first used: most never are. */
    private volatile AddressCache<byte[]> cache;

    private final ThreadPoolExecutor threads =
            new ThreadPoolExecutor(
                    THREADS,
                    THREADS,
                    10,
                    TimeUnit.SECONDS,
                    new LinkedBlockingQueue<>(MOST_WAITING),
                    work -> {
                        Thread thread = new Thread(work, "reverse DNS");
                        thread.setDaemon(true);
                        return thread;
                    });
    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private String server = "";

    public ReverseDns() {
        threads.allowCoreThreadTimeOut(true);
    }

    @Override
    public FlowBatch enrich(FlowBatch batch) {
        return batch.with(batch.once(this, () -> columns(batch)));
    }

    private AddressCache<byte[]> cache() {
        AddressCache<byte[]> made = cache;
        return made != null ? made : make();
    }

    private synchronized AddressCache<byte[]> make() {
        if (cache == null) {
            cache = new AddressCache<>(CAPACITY);
        }
        return cache;
    }

    private List<Column> columns(FlowBatch batch) {
        AddressCache<byte[]> known = cache();
        int size = batch.size();
        ColumnWriter source = new ColumnWriter("sourceHostName", Column.Type.TEXT, size);
        ColumnWriter destination = new ColumnWriter("destinationHostName", Column.Type.TEXT, size);
        byte[] records = batch.records();
        long now = System.nanoTime();
        int missed = 0;
        for (int i = 0, at = 0; i < size; i++, at += FlowLayout.SIZE) {
            missed += name(known, source, i, records, at + FlowLayout.SOURCE_ADDRESS, now);
            missed +=
                    name(known, destination, i, records, at + FlowLayout.DESTINATION_ADDRESS, now);
        }
        misses.add(missed);
        hits.add(2L * size - missed);
        return ColumnWriter.columns(source, destination);
    }

    /** Returns how many addresses of this one were not, or no longer, known. */
    private int name(
            AddressCache<byte[]> known,
            ColumnWriter column,
            int flow,
            byte[] records,
            int at,
            long now) {
        long high = Addresses.high(records, at);
        long low = Addresses.low(records, at);
        AddressCache.Entry<byte[]> entry = known.find(high, low, 0);
        byte[] name = entry == null ? null : entry.value();
        column.set(flow, name);
        if (entry != null && !entry.isExpired(now)) {
            return 0;
        }
        known.put(high, low, 0, name, now + PATIENCE);
        try {
            threads.execute(() -> lookUp(high, low, name));
        } catch (RejectedExecutionException e) {
            dropped.increment();
        }
        return 1;
    }

    private void lookUp(long high, long low, byte[] before) {
        byte[] name;
        long lifetime;
        try {
            name = ask(arpa(Addresses.octets(high, low)));
            lifetime = name == null ? NO_NAME_LIFETIME : NAME_LIFETIME;
        } catch (NamingException e) {
            LOG.debug("No answer from DNS", e);
            failed.increment();
            name = before;
            lifetime = FAILURE_LIFETIME;
        }
        cache().put(high, low, 0, name, System.nanoTime() + lifetime);
    }

    /** What DNS has for a name, null if it is nothing. */
    private byte[] ask(String arpa) throws NamingException {
        Hashtable<String, String> environment = new Hashtable<>();
        environment.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.dns.DnsContextFactory");
        environment.put(Context.PROVIDER_URL, server.isBlank() ? "dns:" : "dns://" + server);
        environment.put("com.sun.jndi.dns.timeout.initial", TIMEOUT_MILLIS);
        environment.put("com.sun.jndi.dns.timeout.retries", TRIES);
        DirContext dns = new InitialDirContext(environment);
        try {
            Attribute names = dns.getAttributes(arpa, new String[] {PTR}).get(PTR);
            if (names == null || names.size() == 0) {
                return null;
            }
            String name = names.get(0).toString();
            return ColumnWriter.text(
                    name.endsWith(".") ? name.substring(0, name.length() - 1) : name);
        } catch (NameNotFoundException e) {
            return null;
        } finally {
            dns.close();
        }
    }

    /** For example {@code 1.2.0.192.in-addr.arpa}. */
    static String arpa(byte[] address) {
        StringBuilder name = new StringBuilder();
        for (int i = address.length - 1; i >= 0; i--) {
            int octet = Byte.toUnsignedInt(address[i]);
            if (address.length == 4) {
                name.append(octet).append('.');
            } else {
                name.append(Integer.toHexString(octet & 0xf)).append('.');
                name.append(Integer.toHexString(octet >> 4)).append('.');
            }
        }
        return name.append(address.length == 4 ? "in-addr.arpa" : "ip6.arpa").toString();
    }

    @Override
    public Lookups lookups() {
        return new Lookups(
                cache == null ? 0 : cache.size(),
                hits.sum(),
                misses.sum(),
                threads.getQueue().size() + threads.getActiveCount(),
                dropped.sum(),
                failed.sum());
    }

    /**
     * What waits is no longer looked up. Nobody waits for lookups that are under way; the threads
     * end when they have had nothing to do for a while. Used again, it is as it was.
     */
    @Override
    public void close() {
        threads.getQueue().clear();
    }

    public String getServer() {
        return server;
    }

    /**
     * The DNS server to ask, as {@code 192.0.2.53}, {@code [2001:db8::53]} or with a port behind a
     * colon; empty, those of /etc/resolv.conf.
     */
    public void setServer(String server) {
        this.server = server;
    }
}
