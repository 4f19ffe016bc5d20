# Runs in build containers as their root, on the runtime's own Perl, which every Debian root has: installs
# Debian packages with the runtime's own apt, and sends what changed to the gateway.
#
# Everything that the platform decides by is sent before anything of a package has run.
use strict;
use warnings;
use IO::Socket::INET;

my $BUILD   = '/opt/au2/build';
my $APT     = "$BUILD/apt";
my $GATEWAY = '127.0.0.1:8077';
my $POLICY  = '/usr/sbin/policy-rc.d';
my $CHUNK   = 1 << 20;

# Folders of the running container and of apt itself, which are no result.
my $PRUNED = join ' -o ',
  map { "-path $_" }
  qw(/dev /proc /sys /run /tmp /var/tmp /var/cache/apt /var/lib/apt/lists /opt/au2 /package);

my @OPTIONS = map { ( '-o', $_ ) } (
    "Dir::Etc::sourcelist=$APT/sources.list",
    "Dir::Etc::sourceparts=$APT/sources.list.d",
    "Dir::Etc::preferences=$APT/preferences",
    "Acquire::http::Proxy=http://$GATEWAY",
    'Acquire::Languages=none',
    'Acquire::Retries=0',
    'Acquire::http::Pipeline-Depth=0',
    'Acquire::ForceHash=SHA256',
    'APT::Install-Recommends=false',
    'APT::Update::Error-Mode=any',
    'Dpkg::Use-Pty=0',
    'Dpkg::Options::=--force-unsafe-io',
    'Dpkg::Options::=--force-confold',
);

$SIG{PIPE} = 'IGNORE';

sub fail { print STDERR "$_[0]\n"; exit 1 }

# Send a request's body, given by a function that returns chunks; return the answer's status.
sub put {
    my ( $path, $next ) = @_;
    my $socket = IO::Socket::INET->new( PeerAddr => $GATEWAY, Proto => 'tcp' )
      or fail("the gateway is not reached: $!");
    print $socket "PUT $path HTTP/1.1\r\nHost: $GATEWAY\r\nTransfer-Encoding: chunked\r\n\r\n";
    while ( defined( my $chunk = $next->() ) ) {
        last unless printf $socket "%x\r\n%s\r\n", length($chunk), $chunk;
    }
    print $socket "0\r\n\r\n";
    $socket->flush;
    my $line = <$socket> // '';
    my ($status) = $line =~ m{^HTTP/1\.[01] (\d+)};
    return $status // 0;
}

sub put_text {
    my ( $path, $text ) = @_;
    my @chunks = length($text) ? ($text) : ();
    put( $path, sub { shift @chunks } ) == 200 or fail("the platform refused $path");
}

# Return the standard output of a command, with its errors if asked for, and its exit status.
sub capture {
    my ( $with_errors, @command ) = @_;
    my $child = open( my $pipe, '-|' ) // fail("no process: $!");
    if ( !$child ) {
        open( STDERR, '>&', \*STDOUT ) if $with_errors;
        exec(@command) or exit 127;
    }
    local $/;
    my $text = <$pipe> // '';
    close($pipe);
    return ( $text, $? );
}

sub read_file {
    my ($path) = @_;
    open( my $file, '<', $path ) or return '';
    local $/;
    return <$file> // '';
}

sub write_file {
    my ( $path, $text, $mode ) = @_;
    open( my $file, '>', $path ) or fail("$path can't be written: $!");
    print $file $text;
    close($file) or fail("$path can't be written: $!");
    chmod( $mode, $path );
}

# Copy apt's list of sources with 'http:' for 'https:': the gateway is a proxy that sees addresses.
sub copy_sources {
    mkdir $_ for ( $APT, "$APT/sources.list.d", '/var/cache/apt/archives', '/var/log/apt' );
    mkdir $_ for ( '/var/cache/apt/archives/partial', '/var/lib/apt/lists/partial' );
    for my $path ( '/etc/apt/sources.list', glob('/etc/apt/sources.list.d/*.{list,sources}') ) {
        my $text = read_file($path);
        $text =~ s{\bhttps://}{http://}g;
        my ($name) = $path =~ m{^/etc/apt/(.*)};
        write_file( "$APT/$name", $text, 0644 );
    }
}

# Return the state of every file: type, mode, owner, size, time of change and target, by path. No program
# can set a file's time of change.
sub snapshot {
    open( my $pipe, '-|',
        "find / -xdev \\( $PRUNED \\) -prune -o -printf '%y %m %U %G %s %C@ %l\\0%p\\0'" )
      or fail("no process: $!");
    local $/ = "\0";
    my %seen;
    while ( defined( my $state = <$pipe> ) ) {
        my $path = <$pipe> // last;
        chomp( $state, $path );
        $seen{$path} = $state;
    }
    close($pipe) or fail('the files can not be listed');
    return \%seen;
}

# Compile changed modules of the system's Python: layers have one time for all files, so modules that are
# checked by time would be stale for ever.
sub compile_modules {
    my (@paths) = @_;
    my @modules = grep { m{^/usr/lib/python3[^/]*/.*\.py$} && !/\n/ } @paths;
    return unless @modules && -x '/usr/bin/python3';
    open( my $pipe, '|-', '/usr/bin/python3', '-m', 'compileall', '-q', '-f',
        '--invalidation-mode', 'unchecked-hash', '-i', '-' )
      or return;
    print $pipe map { "$_\n" } @modules;
    close($pipe);    # Modules for other versions of Python do not compile.
}

sub changed {
    my ( $before, $after ) = @_;
    return grep { !defined $before->{$_} || $before->{$_} ne $after->{$_} } keys %$after;
}

sub send_changes {
    my ( $before, $after ) = @_;
    my %listed;
    for my $path ( changed( $before, $after ) ) {
        next if $path eq '/';
        $listed{$path} = 1;
        # A layer states the folders above a file too, with their own modes and owners.
        while ( $path =~ s{/[^/]*$}{} && length $path && !$listed{$path} ) { $listed{$path} = 1 }
    }
    my @gone = grep { !defined $after->{$_} } keys %$before;
    put_text( '/removed', join '', map { "$_\0" } sort @gone );
    # Sorted, so that the archive does not depend on the order in folders.
    write_file( "$BUILD/changed", join( '', map { ".$_\0" } sort keys %listed ), 0600 );
    chdir '/';
    open( my $tar, '-|', 'tar', '--create', '--format=pax', '--numeric-owner', '--no-recursion', '--null',
        "--files-from=$BUILD/changed", '--file=-' )
      or fail("no process: $!");
    my $status = put( '/tree', sub { my $chunk; read( $tar, $chunk, $CHUNK ) ? $chunk : undef } );
    close($tar) or fail('the changed files can not be packed');
    $status == 200 or fail('the platform refused the changed files');
}

# Make apt prefer the versions of a request: else it considers the newest ones only. Below 1000 nothing of the
# runtime is replaced by an older version.
sub prefer {
    my ($request) = @_;
    my $text = read_file('/etc/apt/preferences');
    while ( $request =~ /([^ ,]+) \(= ([^)]+)\)/g ) {
        $text .= "\n\nPackage: $1\nPin: version $2\nPin-Priority: 999\n";
    }
    write_file( "$APT/preferences", $text, 0644 );
}

# Return what apt plans to fetch, and the request that it can meet: the versions of before, or else what is
# asked for.
sub plan {
    my ( $locked, $asked ) = @_;
    for my $request ( grep { length } $locked, $asked ) {
        prefer($request);
        my ( $text, $status ) =
          capture( 1, 'apt-get', @OPTIONS, '-q', '-y', '--no-remove', '--print-uris', 'satisfy', $request );
        return ( $request, $text ) if $status == 0;
        if ( $request eq $asked ) {
            print $text;
            my @names = $request =~ /(?:^|, )([^ ,]+)/g;
            put_text( '/failure', $text );
            put_text( '/versions', ( capture( 0, 'apt-cache', @OPTIONS, 'madison', @names ) )[0] );
            put_text( '/names', ( capture( 0, 'apt-cache', @OPTIONS, 'pkgnames' ) )[0] );
            exit 1;
        }
        print "Not all versions of before are at the sources any more: newer ones are taken.\n";
    }
}

# Return the sum of the packages' own statements of their size once installed, in KiB.
sub installed_size {
    my ($plan) = @_;
    my %wanted;
    while ( $plan =~ m{^'[^']+' ([^_\s]+)_([^_\s]+)_[^_\s]+\.deb }mg ) {
        my ( $name, $version ) = ( $1, $2 );
        $version =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
        $wanted{"$name=$version"} = 1;
    }
    return 0 unless %wanted;
    my ($text) = capture( 0, 'apt-cache', @OPTIONS, 'show', sort keys %wanted );
    my $sum = 0;
    for my $paragraph ( split /\n\n+/, $text ) {
        my %field = $paragraph =~ /^(Package|Version|Installed-Size): *(\S+)/mg;
        next unless delete $wanted{ ( $field{Package} // '' ) . '=' . ( $field{Version} // '' ) };
        my $size = $field{'Installed-Size'} // 0;
        $sum += $size if $size =~ /^[0-9]{1,12}$/;
    }
    return $sum;
}

if ( !-x '/usr/bin/apt-get' || !-x '/usr/bin/dpkg' ) {
    put_text( '/no-apt', '' );
    exit 1;
}
umask 022;
copy_sources();
my @indexes = ( '--no-release-info', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages' );
put_text( '/sources', ( capture( 0, 'apt-get', 'indextargets', @indexes ) )[0] );
system( 'apt-get', @OPTIONS, '-q', 'update' ) == 0 or fail('the package sources can not be read');
my ( $request, $plan ) = plan( read_file('/run/au2/locked'), read_file('/run/au2/asked') );
put_text( '/installed-size', installed_size($plan) );
put_text( '/plan', $plan );

# Packages must not start services here.
my $policy_was_there = -e $POLICY;
write_file( $POLICY, "#!/bin/sh\nexit 101\n", 0755 ) unless $policy_was_there;
my $before = snapshot();
system( 'apt-get', @OPTIONS, '-q', '-y', '--no-remove', 'satisfy', $request ) == 0
  or fail('the packages can not be installed');
compile_modules( changed( $before, snapshot() ) );
if ( !$policy_was_there ) { unlink $POLICY; delete $before->{$POLICY} }
send_changes( $before, snapshot() );
