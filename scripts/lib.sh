# What scripts/demo, scripts/test and scripts/bench share: the programs that they need, and .venv.
# Sourced, from the root of the tree.

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# install WHAT PACKAGE...: by apt as root, else say how.
install() {
  local what=$1
  shift
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    die "$what is missing: install it (on Debian: apt install $*), and run this again."
  fi
  say "Installing $*"
  export DEBIAN_FRONTEND=noninteractive
  # The lists of packages may be missing or old: they are read anew where a first try fails.
  apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends "$@" >/dev/null; } ||
    die "apt could not install $*: install it yourself, and run this again."
  hash -r
}

# Python 3.10 or later with venv, as $python.
need_python() {
  find_python || { install "Python 3.10 or later with venv" python3-venv; find_python; } ||
    die "Python 3.10 or later is missing: install it, and run this again."
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.10; do
    if "$candidate" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      python=$candidate
      return
    fi
  done
  return 1
}

# What the embedded Hadoop and the hub need besides Python.
need_programs() {
  command -v javac >/dev/null || install "A Java development kit" default-jdk-headless
  command -v mvn >/dev/null || install "Maven" maven
  command -v npm >/dev/null || install "Node.js with npm" nodejs npm
}

# What the tests' Kerberos needs besides: MIT's KDC, and headers for python-gssapi.
need_kerberos() {
  PATH="$PATH:/usr/sbin:/sbin" command -v krb5kdc >/dev/null ||
    install "MIT's Kerberos KDC" krb5-kdc krb5-admin-server krb5-user
  command -v faketime >/dev/null || install "What sets a test's clock wrong" faketime
  command -v krb5-config >/dev/null && command -v cc >/dev/null ||
    install "What python-gssapi is built with" libkrb5-dev gcc libc6-dev
}

# What the tests in a browser need besides.
need_browser() {
  command -v chromium >/dev/null || install "The browser Chromium" chromium fonts-dejavu-core
}

# What stands in front of the hub in two of the examples, and who comes there with a ticket.
need_web_servers() {
  PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || install "The web server nginx" nginx-light
  [ -e /usr/lib/apache2/modules/mod_auth_gssapi.so ] ||
    install "The web server Apache" apache2-bin libapache2-mod-auth-gssapi
  command -v curl >/dev/null || install "curl" curl
}

# The LDAP server of one of the examples, with no directory of its own.
need_directory() {
  PATH="$PATH:/usr/sbin:/sbin" command -v slapd >/dev/null && return
  [ "$(id -u)" != 0 ] || ! command -v debconf-set-selections >/dev/null ||
    echo "slapd slapd/no_configuration boolean true" | debconf-set-selections
  install "The LDAP server slapd" slapd
}

# The programs whose work in the mounted directory is tested.
need_mounted_programs() {
  local program
  for program in git rsync vim; do
    command -v "$program" >/dev/null || install "The program $program" "$program"
  done
}

# What builds the test programs of file systems, fsx and pjdfstest: Rust 1.85 or later.
need_cargo() {
  PATH="$PATH:$HOME/.cargo/bin"
  export PATH
  command -v cargo >/dev/null || install "Rust's cargo" cargo
  [ -e /usr/include/sys/acl.h ] || install "What pjdfstest is built with" libacl1-dev gcc libc6-dev
}

# What docker-compose.yml is tried with: an engine, or what starts one, and what a base image is made
# by where none can be pulled.
need_containers() {
  docker info >/dev/null 2>&1 || PATH="$PATH:/usr/sbin:/sbin" command -v dockerd >/dev/null ||
    install "The container engine Docker" docker.io
  docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null ||
    install "docker compose" docker-compose
  [ "$(id -u)" != 0 ] || command -v debootstrap >/dev/null || install "debootstrap" debootstrap
}

# make_venv EXTRA [FOLDER REQUIREMENT...]: a venv with this tree installed, .venv unless FOLDER is
# given, made anew only where something has changed. The versions of all dependencies are those of
# requirements/constraints.txt and extensions.txt, except for each REQUIREMENT.
make_venv() {
  local extra=$1 venv=${2:-.venv}
  shift $(($# < 2 ? $# : 2))
  need_python
  [ -x "$venv/bin/python" ] || { say "Making $venv"; "$python" -m venv "$venv"; }
  # A copy of the tree is installed, not a link: an environment for other machines must hold one.
  local tree wanted
  make_labextension
  tree=$(find setup.cfg setup.py pyproject.toml requirements labextension/dist hadoop_client yarnspawner hdfs_contents env_packaging yarnhub \
    -name __pycache__ -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  wanted="$extra $* $tree"
  # All that the demo needs, the developers have too.
  case $(cat "$venv/installed" 2>/dev/null) in "$wanted" | "dev $* $tree") return ;; esac
  say "Installing yarnhub[$extra]${*:+ $*} into $venv"
  local build requirement
  build=$(mktemp -d)
  cat requirements/constraints.txt requirements/extensions.txt >"$build/constraints.txt"
  for requirement; do
    sed -i "/^${requirement%%[=<>!~ ]*}==/d" "$build/constraints.txt"
  done
  copy_sources "$build"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$build/constraints.txt" "$build[$extra]" "$@"
  rm -rf "$build"
  printf '%s' "$wanted" >"$venv/installed"
}

# copy_sources DIRECTORY: copy what a wheel of this tree is built from.
copy_sources() {
  cp -R setup.cfg setup.py pyproject.toml README.md LICENSE \
    hadoop_client yarnspawner hdfs_contents env_packaging yarnhub "$1"
  mkdir "$1/labextension"
  cp -R labextension/dist "$1/labextension"
}

# What the package-lock.json of this directory has: npm compares the hashes, and runs no package's own
# scripts.
npm_ci() { npm ci --silent --ignore-scripts --no-fund --no-audit >&2; }

# JupyterLab's extension, in labextension/dist, made anew only where something has changed. JupyterLab
# does without it where npm is missing, or cannot fetch its builder.
make_labextension() {
  local wanted
  mkdir -p labextension/dist
  wanted=$(find labextension/*.json labextension/src labextension/style -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  [ "$(cat labextension/node_modules/built 2>/dev/null)" != "$wanted" ] || return 0
  say "Building JupyterLab's extension"
  if command -v npm >/dev/null && (cd labextension && npm_ci && npm run --silent build >&2); then
    printf '%s' "$wanted" >labextension/node_modules/built
  else
    say "JupyterLab's extension was not built: JupyterLab will show neither memory nor time left."
  fi
}

# configurable-http-proxy, in node_modules at the root, exactly as in package-lock.json: npm compares
# the hashes, and runs no package's own scripts. To change a version, change package.json and run
#   npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved
make_proxy() {
  local wanted
  wanted=$(sha256sum package-lock.json)
  if [ "$(cat node_modules/installed 2>/dev/null)" != "$wanted" ]; then
    say "Installing configurable-http-proxy"
    npm_ci
    printf '%s' "$wanted" >node_modules/installed
  fi
  PATH="$PWD/node_modules/.bin:$PATH"
  export PATH
}
